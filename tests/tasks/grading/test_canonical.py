from fractions import Fraction

import pytest
from archarena.tasks.grading import majority
from archarena.tasks.grading.canonical import canonical, rational
from hypothesis import given
from hypothesis import strategies as st

SAME = [
    (r"\frac{1}{2}", r"\dfrac{1}{2}"),
    (r"\frac{1}{2}", r"\frac12"),
    (r"\frac{1}{2}", "1/2"),
    (r"\frac{1}{2}", "0.5"),
    (r"\frac{3}{4}", "0.75"),
    (r"-\frac{2}{3}", r"\frac{-2}{3}"),
    (r"-\frac{2}{3}", "-2/3"),
    (r"\frac{72}{1}", "72"),
    (r"\frac{1}{3}", r"0.\overline{3}"),
    (r"\frac{7}{12}", r"0.58\overline{3}"),
    (r"1\frac{1}{2}", r"\frac{3}{2}"),
    (r"\sqrt{3}", r"\sqrt3"),
    (r"2\sqrt{3}+1", r"1+2\sqrt{3}"),
    ("10000", "10,000"),
    (r"10,\!000", "10000"),
    ("1,000,000", "10^6"),
    ("2^{10}", "1024"),
    (r"6.02\times10^{23}", "602000000000000000000000"),
    (".5", "0.5"),
    ("3.5", "3.50"),
    ("7", "7.0"),
    ("0", "-0"),
    ("1,2", "1, 2"),
    ("3, 5, 7", "7, 5, 3"),
    ("5, 6", r"5 \text{ or } 6"),
    ("(1,2)", r"\left( 1, 2 \right)"),
    (r"\left(\frac{1}{2},3\right)", "(0.5,3)"),
    ("[2,5)", "[ 2, 5 )"),
    (r"\{1,2\}", r"\{2,1\}"),
    (r"(-\infty,2)\cup(3,\infty)", r"(3,\infty)\cup(-\infty,2)"),
    (r"x\in[1,2]", "[1,2]"),
    ("x+1", "1+x"),
    ("5", "x=5"),
    ("f(x)=2x", "2x"),
    ("y=2x+3", "y = 3 + 2x"),
    (r"90^\circ", "90"),
    (r"45^{\circ}", r"45^\circ"),
    (r"50\%", "50"),
    (r"\$3.50", "3.50"),
    (r"12\text{ cm}^2", "12"),
    (r"\text{Evelyn}", "Evelyn"),
    (r"\text{even}", r"\text{Even}"),
    (r"\text{(A)}", "A"),
    ("10_{8}", "10_8"),
    ("12 cm", r"12\text{ cm}"),
    (r"1\pm\sqrt{2}", r"1-\sqrt{2},1+\sqrt{2}"),
    (r"\{\pm 1, 3\}", r"\{3,-1,1\}"),
    (r"1+\mathrm{i}", "i+1"),
    (r"\begin{pmatrix} 1 \\ 2 \end{pmatrix}", r"\begin{bmatrix}1\\2\end{bmatrix}"),
    (r"\frac{\pi}{4}", r"\pi/4"),
    ("1+2i", "2i+1"),
    (r"\pm 2", "2,-2"),
]
DIFFERENT = [
    (r"\frac{1}{3}", "0.333"),
    ("7", "7.000000001"),
    ("3", r"3 \text{ or } 4"),
    ("(1,2)", "(2,1)"),
    ("[2,5)", "[2,5]"),
    ("x^3 - 3x", "x^3-3x+1"),
    ("x - 1", "1 - x"),
    (r"\text{(A)}", r"\text{(B)}"),
    (r"\begin{pmatrix} 1 \\ 2 \end{pmatrix}", r"\begin{pmatrix} 1 & 2 \end{pmatrix}"),
    (r"\pi", "3.14159"),
    ("1+2i", "1-2i"),
    ("-3", "3"),
    ("11_2", "3"),
    ("3", ""),
    ("1011_2", "1011_7"),
    ("1100", "1, 100"),
    ("2", r"2\mathrm{i}"),
    (r"3\mathbf{a}", r"3\mathbf{b}"),
]


@pytest.mark.parametrize(("one", "other"), SAME)
def test_equivalent_answers_share_a_form(one, other):
    assert canonical(one) == canonical(other)


@pytest.mark.parametrize(("one", "other"), DIFFERENT)
def test_different_answers_do_not(one, other):
    assert canonical(one) != canonical(other)


@given(st.integers(-999, 999), st.integers(1, 99))
def test_a_fraction_is_read_exactly_in_every_notation(above, below):
    number = Fraction(above, below)
    for text in (rf"\frac{{{above}}}{{{below}}}", rf"\dfrac{{{2 * above}}}{{{2 * below}}}", f"{above}/{below}"):
        assert canonical(text) == str(number)


@pytest.mark.parametrize("text", [r"\frac{1}{0}", "x", "0^{-1}", "9^{999999999}", "--3", "1.2.3", ""])
def test_what_is_no_number_is_none(text):
    assert rational(text) is None


@pytest.mark.parametrize("text", ["20000^{1000}", "(" * 450 + "1" + ")" * 450, "{" * 900, "9" * 5_000, "1.5^{999}"])
def test_what_is_too_large_or_too_deep_is_its_own_form_and_can_be_voted_on(text):
    assert majority([text, "2", text]) == text


@given(st.text(alphabet=r"\{}()[]^_,+-/=. frac1x", max_size=24))
def test_broken_latex_never_raises(text):
    assert isinstance(canonical(text), str)
