"""Expected forms were computed with the listing in appendix D of the paper (as in lm-evaluation-harness)."""

import pytest
from archarena.tasks.grading import minerva_equal
from archarena.tasks.grading.minerva import minerva_form


@pytest.mark.parametrize(
    ("text", "form"),
    [
        ("12\\text{ cm}", "12"),
        ("$12$ dollars", "12"),
        ("x = 5", "5"),
        ("10,\\!000", "10000"),
        ("3, 5", "35"),
        ("1,000", "1000"),
        ("\\frac12", "\\frac{1}{2}"),
        ("\\sqrt2", "\\sqrt{2}"),
        ("90^\\circ", "90"),
        ("5 \\text{ and } 6", "56"),
        ("15\\mbox{ cm}^2", "15"),
        ("\\text{Evelyn}", "Evelyn"),
        ("$\\boxed{7}$.", "7"),
        ("\\textbf{(B)}", "(B)"),
        ("the answer is a square of $4$ units", "4"),
    ],
)
def test_the_published_edits_give_the_published_form(text, form):
    assert minerva_form(text) == form


def test_units_do_not_count_and_values_do():
    assert minerva_equal(r"12\text{ cm}", "$12$ centimeters and $12$")
    assert minerva_equal("1,2", "12"), "The published comparison is crude."
    assert not minerva_equal("12", "13 cm")
