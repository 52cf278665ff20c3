"""Public click logs: Criteo, Avazu and MovieLens in the common x1 splits, and Criteo and Avazu also in x4."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from ..harness import Binary, Budget, Fields, Hub, ReferenceScore, Split, Splits, Streams, Task, TaskSpec, register_task
from .click_arrays import EMPTY, PARTS, Field, Layout, click_arrays, pack_integers
from .click_files import CsvFiles
from .clicks import BY_USER, EVALUATIONS, USER, click_scores, constant_rate

if TYPE_CHECKING:
    import pyarrow as pa

CRITEO_LICENSE = "research use by the terms of the Criteo Display Advertising Challenge"
AVAZU_LICENSE = "research use by the terms of Kaggle's Avazu competition"
MOVIELENS_LICENSE = "research use with acknowledgement; no redistribution without permission, no commercial use"


def squared_log_bucket(column: pa.Array) -> np.ndarray:
    """Return keys of ``floor(ln(x)**2)`` if x > 2, else of x; 0 and empty counts share `EMPTY`.

    FuxiCTR fills empty counts with 0, and excludes the filling value from the vocabulary.
    """
    x = column.fill_null(0).to_numpy(zero_copy_only=False)
    bucket = np.where(x > 2, np.floor(np.log(np.maximum(x, 1)) ** 2), x)
    return np.where(bucket == 0, EMPTY, pack_integers(bucket))


def hour_of_day(column: pa.Array) -> np.ndarray:
    """Return keys of the hour of integers YYMMDDHH."""
    return pack_integers(column.to_numpy() % 100)


def day_of_week(column: pa.Array) -> np.ndarray:
    """Return keys of the weekday (Sunday is 0) of integers YYMMDDHH."""
    return pack_integers(_weekday(column))


def at_weekend(column: pa.Array) -> np.ndarray:
    """Return keys of whether integers YYMMDDHH are on a Saturday or Sunday."""
    return pack_integers(_weekday(column) % 6 == 0)


def _weekday(column: pa.Array) -> np.ndarray:
    """Return 0 for Sunday to 6 for Saturday; January 1, 1970 was a Thursday."""
    date = column.to_numpy() // 100
    year, month, day = 2000 + date // 10_000, date // 100 % 100, date % 100
    months = (year * 12 + month - 1 - 1970 * 12).astype("datetime64[M]")
    return (months.astype("datetime64[D]").astype(np.int64) + day - 1 + 4) % 7


def _fields(*names: str) -> tuple[Field, ...]:
    return tuple(Field(name, name) for name in names)


COUNTS = tuple(f"I{n}" for n in range(1, 14))
CATEGORIES = tuple(f"C{n}" for n in range(1, 27))
AVAZU = (
    *("C1", "banner_pos", "site_id", "site_domain", "site_category", "app_id", "app_domain", "app_category"),
    *("device_id", "device_ip", "device_model", "device_type", "device_conn_type"),
    *(f"C{n}" for n in range(14, 22)),
)


class ClickLog(Task):
    """Categorical fields and numbers in, the probability of a click out.

    Files are read, checked and converted to ids once (`archarena.tasks.click_arrays`); all tiers and
    seeds map the same arrays. Smaller tiers sample rows at random and keep the most frequent ids of
    each field.

    Parameters
    ----------
    train, valid, test
        Number of rows, or None for all. The training rows depend on the seed.
    vocabulary
        Maximum number of ids per field, or None for all.
    """

    dataset: ClassVar[CsvFiles]
    layout: ClassVar[Layout]
    arguments: ClassVar = {
        "smoke": {"train": 512, "valid": 128, "test": 256, "vocabulary": 100},
        "quick": {"train": 60_000, "valid": 2_000, "test": 10_000, "vocabulary": 2_000},
        "standard": {"train": 4_000_000, "valid": 200_000, "test": 400_000, "vocabulary": 100_000},
        "full": {},
    }
    evaluations = EVALUATIONS
    published_tiers = ("full",)

    def __init__(
        self,
        train: int | None = None,
        valid: int | None = None,
        test: int | None = None,
        vocabulary: int | None = None,
    ):
        self.rows, self.vocabulary = {"train": train, "valid": valid, "test": test}, vocabulary
        self.cardinalities: tuple[int, ...] = ()

    @property
    def spec(self) -> TaskSpec:
        """Fields and numbers in, one logit out; cardinalities are known after `splits` was called."""
        return TaskSpec(Fields(self.cardinalities, len(self.layout.numeric)), Binary())

    def splits(self, data: Path, streams: Streams) -> Splits:
        found = click_arrays(self.dataset, self.layout, data)
        cardinalities = np.array(found.cardinalities)
        most = cardinalities if self.vocabulary is None else np.minimum(cardinalities, self.vocabulary)
        self.cardinalities = tuple(most.tolist())
        generators = {"train": streams.train, "valid": streams.fixed, "test": streams.fixed}
        chosen = {part: self._some(found.parts[part], self.rows[part], generators[part]) for part in PARTS}
        return Splits(chosen["train"], chosen["valid"], {"test": chosen["test"]})

    def _some(self, split: Split, rows: int | None, stream: np.random.Generator) -> Split:
        if rows is None and self.vocabulary is None:
            return split
        count = len(split) if rows is None else min(rows, len(split))
        place = np.sort(stream.choice(len(split), count, replace=False))
        inputs = {name: array[place] for name, array in split.inputs.items()}
        last = np.array(self.cardinalities, inputs["ids"].dtype)[:, None] - 1
        return Split({**inputs, "ids": np.minimum(inputs["ids"], last)}, split.targets[place])

    def reference_scores(self, splits: Splits) -> list[ReferenceScore]:
        """Return the score of a constant; logistic regression is the model `lr`."""
        return click_scores(self.evaluations, splits, [constant_rate(splits.train)])


def _budgets(full: int, batch: int = 4_096) -> dict[str, Budget]:
    return {
        "smoke": Budget(steps=20, batch=64),
        "quick": Budget(steps=300, batch=128),
        "standard": Budget(steps=2_000, batch=4_096),
        "full": Budget(steps=full, batch=batch),
    }


@register_task(
    "ctr-criteo-x1",
    summary="Whether an advertisement is clicked, from 13 numbers and 26 fields (Criteo_x1, 7:2:1).",
    suites=("ctr",),
    needs=("criteo-x1",),
)
class CriteoX1(ClickLog):
    """Criteo as split and scaled by the authors of AFN: 33.0, 8.3 and 4.6 million rows."""

    dataset = CsvFiles(
        name="criteo-x1",
        summary="Criteo_x1, 45,840,617 rows of the Criteo Display Advertising Challenge 2014",
        license=CRITEO_LICENSE,
        checksums={
            "train": "30b89c1c7213013b92df52ec44f52dc5",
            "valid": "f73c71fb3c4f66b6ebdfa032646bea72",
            "test": "2c48b26e84c04a69b948082edae46f8c",
        },
        hub=Hub("reczoo/Criteo_x1", archive="Criteo_x1.zip"),
    )
    layout = Layout("label", _fields(*CATEGORIES), numeric=COUNTS)
    data_sources = (dataset,)
    budgets: ClassVar = _budgets(24_000)


@register_task(
    "ctr-avazu-x1",
    summary="Whether a mobile advertisement is clicked, from 22 fields (Avazu_x1, 7:1:2).",
    suites=("ctr",),
    needs=("avazu-x1",),
)
class AvazuX1(ClickLog):
    """Avazu as split by the authors of AFN: 28.3, 4.0 and 8.1 million rows.

    The click rate falls from 17.5 % in the training rows to 15.3 % in the test rows, so validation
    scores are a poor guide to test scores.
    """

    dataset = CsvFiles(
        name="avazu-x1",
        summary="Avazu_x1, 40,428,967 rows of Kaggle's Avazu competition 2014",
        license=AVAZU_LICENSE,
        checksums={
            "train": "f1114a07aea9e996842c71648e0f6395",
            "valid": "d9568f246357d156c4b8030fadb8b623",
            "test": "9e2fe9c48705c9315ae7a0953eb57acf",
        },
        hub=Hub("reczoo/Avazu_x1", archive="Avazu_x1.zip"),
    )
    layout = Layout("label", _fields(*(f"feat_{n}" for n in range(1, 23))))
    data_sources = (dataset,)
    budgets: ClassVar = _budgets(20_000)


@register_task(
    "ctr-movielens",
    summary="Whether a user gives a movie a tag, from user, movie and tag (MovielensLatest_x1, 7:2:1).",
    suites=("ctr",),
    needs=("movielens-x1",),
)
class MovieLens(ClickLog):
    """Tags of MovieLens with two sampled negatives each: 1.4, 0.4 and 0.2 million rows, a third of them positive."""

    dataset = CsvFiles(
        name="movielens-x1",
        summary="MovielensLatest_x1, 2,006,859 labeled rows of MovieLens",
        license=MOVIELENS_LICENSE,
        checksums={
            "train": "efc8bceeaa0e895d566470fc99f3f271",
            "valid": "e1930223a5026e910ed5a48687de8af1",
            "test": "54e8c6baff2e059fe067fb9b69e692d0",
        },
        hub=Hub("reczoo/MovielensLatest_x1", archive="MovielensLatest_x1.zip"),
    )
    layout = Layout("label", _fields("user_id", "item_id", "tag_id"))
    data_sources = (dataset,)
    budgets: ClassVar = _budgets(5_000)
    evaluations = BY_USER

    def splits(self, data: Path, streams: Streams) -> Splits:
        found = super().splits(data, streams)
        test = found.tests["test"]
        return replace(found, tests={"test": replace(test, groups={USER: test.inputs["ids"][:, 0, 0]})})


@register_task(
    "ctr-criteo-x4",
    summary="Whether an advertisement is clicked, from 39 fields, numbers in buckets (Criteo_x4_001, 8:1:1).",
    suites=("ctr",),
    needs=("criteo-x4",),
)
class CriteoX4(ClickLog):
    """Criteo's raw rows, with bucketed counts; values seen fewer than ten times are unknown."""

    dataset = CsvFiles(
        name="criteo-x4",
        summary="Criteo_x4, 45,840,617 raw rows of the Criteo Display Advertising Challenge 2014",
        license=CRITEO_LICENSE,
        checksums={
            "train": "4a53bb7cbc0e4ee25f9d6a73ed824b1a",
            "valid": "fba5428b22895016e790e2dec623cb56",
            "test": "cfc37da0d75c4d2d8778e76997df2976",
        },
        hub=Hub("reczoo/Criteo_x4", archive="Criteo_x4.zip"),
    )
    layout = Layout(
        "Label",
        (*(Field(name, name, squared_log_bucket, "float64") for name in COUNTS), *_fields(*CATEGORIES)),
        min_count=10,
    )
    data_sources = (dataset,)
    budgets: ClassVar = _budgets(8_000, batch=10_000)


@register_task(
    "ctr-avazu-x4",
    summary="Whether a mobile advertisement is clicked, from 24 fields (Avazu_x4_001, 8:1:1).",
    suites=("ctr",),
    needs=("avazu-x4",),
)
class AvazuX4(ClickLog):
    """Avazu's raw rows without id, with hour, weekday and weekend fields; values seen once are unknown."""

    dataset = CsvFiles(
        name="avazu-x4",
        summary="Avazu_x4, 40,428,967 raw rows of Kaggle's Avazu competition 2014",
        license=AVAZU_LICENSE,
        checksums={
            "train": "de3a27264cdabf66adf09df82328ccaa",
            "valid": "33232931d84d6452d3f956e936cab2c9",
            "test": "3ebb774a9ca74d05919b84a3d402986d",
        },
        hub=Hub("reczoo/Avazu_x4", archive="Avazu_x4.zip"),
    )
    layout = Layout(
        "click",
        (
            *_fields(*AVAZU),
            Field("hour", "hour", hour_of_day, "int64"),
            Field("weekday", "hour", day_of_week, "int64"),
            Field("weekend", "hour", at_weekend, "int64"),
        ),
        min_count=2,
    )
    data_sources = (dataset,)
    budgets: ClassVar = _budgets(7_000, batch=10_000)
