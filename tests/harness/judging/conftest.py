"""Runs with known differences."""

import numpy as np
import pytest
from archarena.harness.judging.column import Column
from archarena.harness.judging.runs import Runs


def _runs(rows, *, is_share=True):
    """Return runs from (seeds, rows) scores per row."""
    rows = np.atleast_2d(np.asarray(rows, float))
    return Runs.of(rows.mean(1), list(rows), rows.shape[1], is_share=is_share)


@pytest.fixture(scope="session")
def runs():
    """Return a function from (seeds, rows) scores per row to runs."""
    return _runs


@pytest.fixture(scope="session")
def column():
    """Return a function from (seeds, rows) scores per row by variant to a column."""

    def make(is_share=True, margin=None, solved=None, higher=True, **rows):
        return Column({name: _runs(found, is_share=is_share) for name, found in rows.items()}, margin, solved, higher)

    return make


@pytest.fixture(scope="session")
def right():
    """Return a function that draws right (1) and wrong (0) rows with these shares of right ones, one per seed."""

    def draw(*shares, rows=1000, seed=0):
        generator = np.random.default_rng(seed)
        return np.stack([generator.random(rows) < share for share in shares]).astype(float)

    return draw
