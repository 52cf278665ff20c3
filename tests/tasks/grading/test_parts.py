import pytest
from archarena.tasks.grading.parts import bracketed, deepest, members, split


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("1, 2", ["1", "2"]),
        ("(1,2),(3,4)", ["(1,2)", "(3,4)"]),
        ("1;2", ["1", "2"]),
        (r"\pm 2", ["2", "- 2"]),
        (r"1 \pm a \mp b, 3", ["1 + a - b", "1 - a + b", "3"]),
        (r"\pm 1 \pm 2", [r"\pm 1 \pm 2"]),
    ],
)
def test_members_of_a_list_are_separated_outside_brackets(text, parts):
    assert [part.strip() for part in members(text)] == parts


@pytest.mark.parametrize(
    ("text", "opening", "inner"),
    [
        ("(1,2]", "([", "1,2"),
        ("(1)(2)", "([", None),
        (r"\{1,2\}", r"\{", "1,2"),
        (r"{1,2\}", "{", None),
        ("{1}{2}", "{", None),
        ("(", "([", None),
    ],
)
def test_brackets_are_those_around_the_whole_text(text, opening, inner):
    assert bracketed(text, opening) == inner


def test_depth_counts_open_and_closed_brackets():
    assert deepest("((1))") == deepest("((") == deepest("1))") == 2
    assert split(r"1\cup(2\cup 3)", r"\cup") == ["1", r"(2\cup 3)"]
