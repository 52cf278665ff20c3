import pytest
from archarena.tasks.grading.notation import plain


@pytest.mark.parametrize(
    ("answer", "text"),
    [
        ("12 cm", "12"),
        ("12cm^2", "12"),
        ("12 square inches.", "12"),
        (r"\frac{1}{2} mile", r"\frac{1}{2}"),
        (r"2\pi\text{ meters}", r"2\pi"),
        ("$12$ dollars", "12"),
        ("1,000.99m²", "1000.99"),
        (r"10,\!000 + 14{,}916", "10000 + 14916"),
        ("(1,100)", "(1,100)"),
        ("1, 100", "1, 100"),
        ("12 345", "12345"),
        ("5 7", "5, 7"),
        ("2 1/3", r"2\frac{1}{3}"),
        (r"-2 \\le x", r"-2 \le x"),
        (r"\textbf{Evelyn}", "evelyn"),
    ],
)
def test_layout_and_units_are_dropped(answer, text):
    assert plain(answer).replace("  ", " ").strip() == text


@pytest.mark.parametrize(
    "answer",
    ["12 x", "12ab", "12 pi", "3 million", "5 or so", "2x minus three", r"\sin 2x", "x squared", "no solution"],
)
def test_what_may_be_a_part_of_the_answer_is_kept(answer):
    assert plain(answer).replace(",", "") == answer.replace(" or", "")
