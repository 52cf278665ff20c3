"""Clicks generated from known interactions of categorical fields, so the best possible AUC is known."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path
from typing import ClassVar

import numpy as np

from ..harness import (
    Binary,
    Budget,
    Evaluation,
    Fields,
    ReferenceScore,
    Split,
    Splits,
    Streams,
    Task,
    TaskSpec,
    register_task,
)
from .clicks import Rule, click_scores, constant_rate, log_odds, logistic_regression, row_lookup

CARDINALITIES = (6, 5, 5, 4, 4, 4, 3, 3)
"""Number of values per field; ids start at 1, since 0 is padding."""

SPREAD = {1: 0.9, 2: 1.7, 3: 0.8}
"""Standard deviation of the logit's contributions from single fields, pairs and triples."""

TERMS = {1: 8, 2: 4, 3: 2}
"""Number of single fields, pairs and triples with an effect."""

INTERCEPT = -1.0
PROBABILITY = "click-probability"


@register_task(
    "ctr-synthetic",
    summary="Clicks that depend on single fields, pairs and triples of fields in a known way.",
    suites=("ctr", "quick", "demo"),
)
class SyntheticClicks(Task):
    """A row is eight independent categorical fields; value i of a field has frequency proportional to 1 / i.

    The log-odds of a click are a sum of random tables over eight fields, four pairs and two triples.
    Tables of pairs and triples average to zero along each field, so they cannot be predicted from
    fewer fields. The tables are the same for all seeds. The same ids may occur in training and test
    rows, with clicks drawn independently. Each row's true probability is stored as a group and gives
    the ceilings.

    Parameters
    ----------
    train, valid, test
        Number of rows.
    """

    arguments: ClassVar = {
        "smoke": {"train": 2_000, "valid": 500, "test": 1_000},
        "quick": {"train": 200_000, "valid": 2_000, "test": 10_000},
        "standard": {"train": 1_000_000, "valid": 20_000, "test": 50_000},
        "full": {"train": 4_000_000, "valid": 50_000, "test": 100_000},
    }
    budgets: ClassVar = {
        "smoke": Budget(steps=20, batch=64),
        "quick": Budget(steps=600, batch=128),
        "standard": Budget(steps=6_000, batch=4096),
        "full": Budget(steps=20_000, batch=4096),
    }
    evaluations = (
        Evaluation("auc", "Area under the ROC curve of clicks."),
        Evaluation("log_loss", "Binary cross-entropy of clicks.", name="logloss"),
        Evaluation(
            "scaled_log_loss",
            "Binary cross-entropy of clicks after temperature scaling fitted on the validation rows.",
            name="logloss-scaled",
            companion_of="logloss",
        ),
    )
    published_tiers = ("full",)
    shown_as = "fields"

    def __init__(self, train: int, valid: int, test: int):
        self.train, self.valid, self.test = train, valid, test

    @property
    def spec(self) -> TaskSpec:
        return TaskSpec(Fields(tuple(1 + values for values in CARDINALITIES)), Binary())

    def splits(self, data: Path, streams: Streams) -> Splits:
        effects = draw_effects(streams.fixed)
        return Splits(
            valid=_draw(streams.fixed, effects, self.valid),
            tests={"test": _draw(streams.fixed, effects, self.test)},
            train=_draw(streams.train, effects, self.train),
        )

    def reference_scores(self, splits: Splits) -> list[ReferenceScore]:
        truth = Rule(
            "true probabilities",
            "The true click probabilities.",
            lambda split: log_odds(split.groups[PROBABILITY]),
            "ceiling",
        )
        singles = logistic_regression(splits.train, [1 + values for values in CARDINALITIES])
        rules = [truth, singles, row_lookup(splits.train), constant_rate(splits.train, "chance")]
        return click_scores(self.evaluations, splits, rules)


@dataclass(frozen=True)
class Effect:
    """A table over the values of some fields, added to the log-odds."""

    fields: tuple[int, ...]
    table: np.ndarray


def draw_effects(generator: np.random.Generator) -> list[Effect]:
    """Return the effects of single fields, pairs and triples, scaled by order with `SPREAD`."""
    effects = []
    for order, count in TERMS.items():
        sets = list(combinations(range(len(CARDINALITIES)), order))
        chosen = generator.choice(len(sets), size=count, replace=False)
        scale = SPREAD[order] / np.sqrt(count)
        effects += [Effect(sets[index], scale * _table(generator, sets[index])) for index in chosen]
    return effects


def _table(generator: np.random.Generator, fields: Sequence[int]) -> np.ndarray:
    """Return normal entries, centered along each field and with variance 1, weighted by frequency."""
    table = generator.standard_normal([CARDINALITIES[field] for field in fields])
    weights = np.ones(())
    for axis, field in enumerate(fields):
        frequency = frequencies(CARDINALITIES[field])
        table = table - np.expand_dims(np.tensordot(table, frequency, axes=(axis, 0)), axis)
        weights = np.multiply.outer(weights, frequency)
    return table / np.sqrt((weights * table**2).sum())


def frequencies(values: int) -> np.ndarray:
    """Return the frequencies of a field's values by Zipf's law."""
    weights = 1 / np.arange(1, values + 1)
    return weights / weights.sum()


def _draw(generator: np.random.Generator, effects: Sequence[Effect], n: int) -> Split:
    columns = [generator.choice(values, size=n, p=frequencies(values)) for values in CARDINALITIES]
    logit = INTERCEPT + sum(effect.table[tuple(columns[field] for field in effect.fields)] for effect in effects)
    probability = 1 / (1 + np.exp(-logit))
    clicks = (generator.random(n) < probability).astype(np.float32)
    ids = 1 + np.stack(columns, axis=1)[..., None]
    return Split({"ids": ids.astype(np.int8)}, clicks, {PROBABILITY: probability})
