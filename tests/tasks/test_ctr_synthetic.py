from pathlib import Path

import numpy as np
import pytest
from archarena.harness import Split, Splits, Streams
from archarena.harness.contract.metrics import METRICS
from archarena.harness.data.seeds import generator
from archarena.tasks.clicks import row_lookup
from archarena.tasks.ctr_synthetic import CARDINALITIES, PROBABILITY, SPREAD, SyntheticClicks, draw_effects, frequencies


@pytest.fixture(scope="module")
def task() -> SyntheticClicks:
    return SyntheticClicks(train=20_000, valid=100, test=20_000)


@pytest.fixture(scope="module")
def splits(task: SyntheticClicks) -> Splits:
    return task.splits(Path(), Streams(generator("train"), generator("fixed")))


@pytest.fixture(scope="module")
def references(task: SyntheticClicks, splits: Splits) -> dict:
    return {(score.evaluation, score.name): score for score in task.reference_scores(splits)}


def test_ids_are_those_of_the_fields_and_leave_0_to_padding(task: SyntheticClicks, splits: Splits):
    ids = splits.train.inputs["ids"]
    assert ids.shape == (20_000, len(CARDINALITIES), 1)
    assert ids.min(axis=(0, 2)).tolist() == [1] * len(CARDINALITIES)
    assert ids.max(axis=(0, 2)).tolist() == list(CARDINALITIES)
    assert task.spec.inputs.cardinalities == tuple(n + 1 for n in CARDINALITIES)


def test_values_are_as_frequent_as_zipf_says(splits: Splits):
    ids = splits.train.inputs["ids"][:, 0, 0]
    np.testing.assert_allclose(np.bincount(ids)[1:] / len(ids), frequencies(CARDINALITIES[0]), atol=0.015)


@pytest.mark.parametrize("order", [1, 2, 3])
def test_each_order_has_its_spread_and_tells_nothing_of_lower_ones(order: int):
    effects = [effect for effect in draw_effects(np.random.default_rng(0)) if len(effect.fields) == order]
    variance = 0.0
    for effect in effects:
        weights = [frequencies(CARDINALITIES[field]) for field in effect.fields]
        for axis, weight in enumerate(weights):
            np.testing.assert_allclose(np.tensordot(effect.table, weight, (axis, 0)), 0, atol=1e-12)
        square = effect.table**2
        for weight in reversed(weights):
            square = square @ weight
        variance += float(square)
    assert variance == pytest.approx(SPREAD[order] ** 2)


def test_effects_of_an_order_are_on_different_fields():
    fields = [effect.fields for effect in draw_effects(np.random.default_rng(0))]
    assert len(set(fields)) == len(fields)


def test_clicks_come_with_their_probabilities(splits: Splits):
    test = splits.tests["test"]
    probability = test.groups[PROBABILITY]
    bins = np.digitize(probability, np.linspace(0.1, 0.9, 9))
    for each in np.unique(bins):
        chosen = bins == each
        assert test.targets[chosen].mean() == pytest.approx(probability[chosen].mean(), abs=0.04)


def test_no_score_beats_the_true_probabilities(references: dict):
    assert references["", "true probabilities"].kind == references["logloss", "true probabilities"].kind == "ceiling"
    assert references["", "true probabilities"].value > references["", "logistic regression"].value + 0.1
    assert references["logloss", "true probabilities"].value < references["logloss", "logistic regression"].value - 0.05


def test_a_constant_answer_tells_nothing_and_single_fields_tell_little(references: dict, splits: Splits):
    share = splits.train.targets.mean()
    assert references["", "constant"].value == 0.5
    assert references["logloss", "constant"].value == pytest.approx(
        -share * np.log(share) - (1 - share) * np.log(1 - share), abs=0.01
    )
    assert 0.6 < references["", "logistic regression"].value < 0.75


def test_the_best_loss_is_the_mean_entropy(references: dict, splits: Splits):
    p = splits.tests["test"].groups[PROBABILITY]
    entropy = -p * np.log(p) - (1 - p) * np.log1p(-p)
    assert references["logloss", "true probabilities"].value == pytest.approx(entropy.mean(), abs=0.015)


def test_looking_up_whole_rows_comes_near_the_ceiling_at_quick():
    task = SyntheticClicks(**SyntheticClicks.arguments["quick"])
    splits = task.splits(Path(), Streams(generator("train"), generator("fixed")))
    lookup = row_lookup(splits.train)
    auc = METRICS["auc"].score(lookup.logits(splits.tests["test"]), splits.tests["test"].targets)
    assert auc == pytest.approx(0.80, abs=0.02)


def test_a_row_lookup_is_a_rate_shrunk_toward_the_mean():
    ids = np.array([[1, 2], [1, 2], [3, 1], [3, 1]])[..., None]
    train = Split({"ids": ids}, np.float32([1, 1, 0, 1]))
    asked = Split({"ids": np.array([[1, 2], [3, 1], [2, 2]])[..., None]}, np.float32([0, 0, 0]))
    rates = 1 / (1 + np.exp(-row_lookup(train).logits(asked)))
    assert rates == pytest.approx([2.75 / 3, 1.75 / 3, 0.75])
