"""A sample of the simulations in tests/benchmarks: coverage of intervals, and errors of races."""

import importlib.util
import sys
from pathlib import Path

import numpy as np
import pytest


def load(name):
    spec = importlib.util.spec_from_file_location(name, Path(__file__).parents[2] / "benchmarks" / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    return module


benchmark, racing = load("coverage"), load("racing")


@pytest.mark.parametrize("binary", [True, False], ids=["right or wrong", "losses"])
@pytest.mark.parametrize("spreads", ["EQUAL", "UNEQUAL"])
@pytest.mark.parametrize(("seeds", "rows"), [(1, 300), (2, 300), (3, 300), (5, 100)])
def test_intervals_cover_the_truth(seeds, rows, spreads, binary):
    found = benchmark.coverage(seeds, rows, getattr(benchmark, spreads), binary=binary, columns=60)
    assert 0.92 <= found.share <= 1, "300 pairs: the standard error is 0.013"


def test_intervals_over_rows_alone_do_not_cover_what_training_again_changes():
    found = benchmark.coverage(5, 1000, (0.4,) * 6, binary=True, columns=30)
    alone = benchmark.coverage(1, 1000, (0.4,) * 6, binary=True, columns=30)
    assert found.width > 2 * alone.width


def test_races_rarely_call_the_best_model_behind():
    found = racing.races(np.zeros(6), 0.2, 200, 40)
    assert found.wrong <= 0.1, "40 races at a rate of 0.05 have a standard error of 0.034"


def test_races_find_a_clear_winner_with_few_seeds():
    found = racing.races(np.array([1.0, 0.2, 0.1, 0.0]), 0.05, 400, 20)
    assert found.decided > 0.9
    assert found.seeds < 4 * 4
