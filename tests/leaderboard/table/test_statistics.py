"""Comparisons as pages show them."""

import numpy as np
import pytest
from archarena.harness.judging.column import Column
from archarena.harness.judging.runs import Runs
from archarena.leaderboard.table.statistics import Comparisons, Verdict


def runs(*rows):
    return Runs.of(
        [np.mean(found) for found in rows], [np.asarray(found) for found in rows], len(rows[0]), is_share=True
    )


@pytest.fixture
def compared():
    draw = np.random.default_rng(0)

    def rows(share):
        return (draw.random(1000) < share).astype(float)

    return Comparisons(
        Column({"a": runs(rows(0.9), rows(0.92)), "b": runs(rows(0.5), rows(0.52)), "c": runs(rows(0.1))})
    )


def test_a_difference_has_an_interval_and_a_verdict(compared):
    found = compared.difference("b", "a")
    assert found.mean == pytest.approx(-0.4, abs=0.03)
    assert 0.01 < found.half_width < 0.2
    assert (found.verdict, found.needed, found.text) == (Verdict.WORSE, None, "worse")


def test_a_row_with_one_seed_has_an_interval_over_rows_only(compared):
    assert compared.estimate("c").half_width == pytest.approx(1.96 * (0.1 * 0.9 / 1000) ** 0.5, rel=0.2)
    found = compared.difference("c", "a")
    assert found.half_width is None
    assert found.verdict == Verdict.WORSE_HERE
    assert "would tell whether training again changes it" in found.text


def test_the_share_of_seeds_that_solve_has_an_exact_interval():
    perfect, chance = np.ones(100), np.arange(100) % 2.0
    found = Comparisons(Column({"a": runs(perfect, perfect, chance), "b": runs(chance, chance)}, solved=0.9))
    solved, seeds, low, high = found.solving("a")
    assert (solved, seeds) == (2, 3)
    assert (low, high) == pytest.approx((0.094, 0.992), abs=0.001)
    assert found.difference("a", "b").half_width is None, "no t interval covers seeds that solve it or not"
