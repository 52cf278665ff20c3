from pathlib import Path

import numpy as np
import pytest
from archarena.harness import Streams, UserError
from archarena.tasks.mqar import MultiQueryRecall, subsets


def make(n: int, **changes) -> tuple[np.ndarray, np.ndarray]:
    """Return tokens and targets."""
    arguments = {"vocab_size": 64, "length": 32, "pairs": 4, "train": 1, "valid": 1, "test": 1} | changes
    rows = MultiQueryRecall(**arguments).draw(np.random.default_rng(0), n)
    return rows[:, : arguments["length"]], rows[:, arguments["length"] :]


def test_a_row_opens_with_different_keys_and_different_values():
    tokens, _ = make(500)
    keys, values = tokens[:, :8:2], tokens[:, 1:8:2]
    assert keys.min() >= 1
    assert keys.max() <= 31
    assert values.min() >= 32
    assert values.max() <= 63
    assert all(len(set(row)) == 4 for row in [*keys, *values])


def test_each_key_is_asked_once_and_its_value_is_the_target():
    tokens, targets = make(500)
    for row, target in zip(tokens.tolist(), targets.tolist(), strict=True):
        value_of = dict(zip(row[:8:2], row[1:8:2], strict=True))
        asked = {position: row[position] for position in range(32) if target[position] != -100}
        assert set(asked.values()) == set(value_of)
        assert all(target[position] == value_of[key] for position, key in asked.items())
        assert all(position >= 8 and position % 2 == 0 for position in asked)


def test_positions_without_a_query_are_empty_or_random():
    tokens, targets = make(500)
    assert not tokens[:, 8:][targets[:, 8:] == -100].any()
    tokens, _ = make(500, random_non_queries=True)
    assert len(np.unique(tokens[:, 9::2])) == 64


@pytest.mark.parametrize("power", [0.01, 1.0])
def test_a_single_query_falls_on_slot_i_by_the_power_law(power: float):
    _, targets = make(40_000, pairs=1, power=power)
    slots = (np.nonzero(targets != -100)[1] - 2) // 2
    weights = np.arange(1, 16) ** (power - 1)
    observed = np.bincount(slots, minlength=15) / 40_000
    np.testing.assert_allclose(observed, weights / weights.sum(), atol=0.01)


def test_further_slots_follow_the_law_among_those_left():
    slots = MultiQueryRecall(64, 32, 4, 1, 1, 1)._slots(np.random.default_rng(0), 40_000)
    weights = np.arange(1, 13) ** (0.01 - 1)
    after_first = np.bincount(slots[slots[:, 0] == 0, 1], minlength=12)
    np.testing.assert_allclose(after_first / after_first.sum(), np.r_[0, weights[1:] / weights[1:].sum()], atol=0.02)


def test_most_recalls_are_short():
    _, targets = make(1_000, vocab_size=512, length=512, pairs=64)
    slots = (np.nonzero(targets != -100)[1] - 128) // 2
    assert np.median(slots) < 192 / 2
    _, targets = make(4_000, length=256, pairs=1)
    slots = (np.nonzero(targets != -100)[1] - 2) // 2
    assert 0.16 <= np.mean(slots == 0) <= 0.25


def test_blind_guesses_reach_the_reference_scores():
    task = MultiQueryRecall(64, 32, 4, 20_000, 1, 2_000)
    splits = task.splits(Path(), Streams(np.random.default_rng(2), np.random.default_rng(3)))
    references = {found.name: found.value for found in task.reference_scores(splits)}
    # Where a key is asked tells something about its pair, since pairs are placed in order.
    assert references["slot and rank"] == pytest.approx(0.31, abs=0.015)
    tokens, targets = make(5_000)
    generator = np.random.default_rng(1)
    row, column = np.nonzero(targets != -100)
    answers = targets[row, column]
    assert np.mean(answers == generator.integers(32, 64, len(row))) == pytest.approx(references["any value"], abs=0.005)
    seen = tokens[row, 1 + 2 * generator.integers(4, size=len(row))]
    assert np.mean(answers == seen) == pytest.approx(references["value from the row"], abs=0.015)


def test_subsets_are_uniform_and_in_random_order():
    chosen = subsets(np.random.default_rng(0), 30_000, pool=5, size=3)
    assert (np.diff(np.sort(chosen, axis=1)) > 0).all()
    for column in chosen.T:
        np.testing.assert_allclose(np.bincount(column, minlength=5) / 30_000, 0.2, atol=0.015)


@pytest.mark.parametrize("changes", [{"length": 14}, {"length": 33}, {"vocab_size": 8}])
def test_pairs_that_do_not_fit_are_refused(changes: dict):
    with pytest.raises(UserError, match="4 pairs need"):
        make(1, **changes)
