import pytest
from archarena.tasks.grading import Grade, Grader
from archarena.tasks.grading.equivalence import equivalent
from archarena.tasks.grading.pool import _LOADING_PAIR


@pytest.fixture(scope="module")
def grader():
    with Grader(processes=1, seconds=2.0) as grader:
        yield grader


def test_grades_come_in_the_order_of_the_pairs(grader):
    pairs = [("2", "2"), ("2", "3"), (r"\frac{3}{4}", "0.75"), ("2", None), ("2", "2")]
    grades = grader.grade(pairs)
    assert [grade.equal for grade in grades] == [True, False, True, False, True]
    assert [grade.strict for grade in grades] == [True, False, False, False, True]


def test_loading_the_libraries_does_not_count_as_comparing():
    pair = _LOADING_PAIR[0], _LOADING_PAIR[1]
    assert equivalent(*pair) == (False, "math-verify")
    with Grader(processes=1, seconds=2.0) as grader:
        assert grader.grade([pair])[0].layer == "math-verify"


@pytest.mark.parametrize(
    "hostile",
    [
        "{" * 1_000_000,
        "(" * 400 + "1" + ")" * 400,
        r"\frac{1}{" * 60 + "x" + "}" * 60,
        r"9^{9^{9^{9^9}}}",
        r"\{(9^{9^9})!, 1\}",
        r"x \in [10^{10^{10}}, 10^{10^{11}}]",
        r"\sqrt{" * 80,
        "\x00\n\u202e\\",
    ],
    ids=["a megabyte of braces", "brackets", "fractions", "tower", "factorial", "interval", "roots", "controls"],
)
def test_hostile_answers_get_a_grade_and_the_next_pair_is_graded(grader, hostile):
    assert not grader.grade([("1,2", hostile)])[0].equal
    assert grader.grade([("7", "7.0")]) == [Grade(equal=True, strict=False, layer="canonical")]
