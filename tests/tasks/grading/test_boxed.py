import pytest
from archarena.tasks.grading.boxed import boxed_answer


@pytest.mark.parametrize(
    ("solution", "answer"),
    [
        (r"So it is $\boxed{7}$.", "7"),
        (r"First $\boxed{3}$, and at last $\boxed{4}$.", "4"),
        (r"$\boxed{2} \pmod{3}$", "2"),
        (r"$\boxed{8}\mbox{ cm}$", "8"),
        (r"$\boxed{\frac{1}{\sqrt{2}}}$", r"\frac{1}{\sqrt{2}}"),
        (r"$\boxed{\left\{1, \frac{2}{3}\right\}}$", r"\left\{1, \frac{2}{3}\right\}"),
        (r"$\boxed{\left\{ x \mid x > 1 \right.}$", r"\left\{ x \mid x > 1 \right."),
        ("$\\boxed{\n\\begin{pmatrix} 1 \\\\ 2 \\end{pmatrix}\n}$", r"\begin{pmatrix} 1 \\ 2 \end{pmatrix}"),
        (r"$\boxed {17}$", "17"),
        (r"our answer is $\boxed 2$. Then $\frac{1}{2}$", "2"),
        (r"\[x = \boxed 25\]", "25"),
        (r"$\fbox{5}$", "5"),
        (r"$\boxed{10,\!000}$", r"10,\!000"),
    ],
)
def test_the_last_box_holds_the_answer(solution, answer):
    assert boxed_answer(solution) == answer


@pytest.mark.parametrize(
    "solution", ["It is 7.", r"$\boxed{3}$ and then $\boxed{\frac{1}{2}$", r"\boxed", r"\boxedfoo{3}"]
)
def test_no_box_or_an_open_one_holds_no_answer(solution):
    assert boxed_answer(solution) is None
