import pytest
from archarena.tasks.grading import majority, pass_at_k


@pytest.mark.parametrize(
    ("answers", "winner"),
    [
        ([r"\frac{1}{2}", "0.5", "3", r"\frac12", "3"], r"\frac{1}{2}"),
        (["3", None, None, None], "3"),
        ([None, None], None),
        (["2", "1", "1", "2"], "2"),
        ([], None),
    ],
)
def test_the_largest_class_of_equivalents_wins_and_failures_do_not_vote(answers, winner):
    assert majority(answers) == winner


def test_pass_at_k_is_the_chance_of_a_right_one_among_k():
    assert pass_at_k(samples=4, right=1, k=1) == 0.25
    assert pass_at_k(samples=4, right=2, k=2) == pytest.approx(5 / 6)
    assert pass_at_k(samples=4, right=0, k=4) == 0.0
    assert pass_at_k(samples=4, right=1, k=4) == 1.0
    with pytest.raises(ValueError, match="pass@5 needs"):
        pass_at_k(samples=4, right=1, k=5)
