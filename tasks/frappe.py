"""Frappe: mobile app usage in context, as click prediction on ten categorical fields."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from ..harness import (
    Binary,
    Budget,
    DataSet,
    Fields,
    Hub,
    ReferenceScore,
    Split,
    Splits,
    Streams,
    Task,
    TaskSpec,
    generator,
    register_task,
)
from .clicks import BY_USER, USER, click_scores, constant_rate, logistic_regression

if TYPE_CHECKING:
    import pandas as pd

FIELDS = ("user", "item", "daytime", "weekday", "isweekend", "homework", "cost", "weather", "country", "city")
LICENSE = "research use with acknowledgement; no redistribution, no commercial use"


class FrappeX1(DataSet):
    """The labeled rows with their official split, as csv or libfm files with the same ids.

    The published md5 sums are those of the csv files, including the header and CRLF line ends. Rows
    from other formats are written as csv to check them.
    """

    def canonical(self, table: pd.DataFrame) -> tuple[pd.DataFrame, str]:
        text = table.to_csv(index=False, lineterminator="\r\n")
        return table, hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()


FRAPPE = FrappeX1(
    name="frappe",
    summary="Frappe_x1, 288,609 labeled rows, Baltrunas et al. 2015",
    license=LICENSE,
    columns=dict.fromkeys(("label", *FIELDS), int),
    checksums={
        "train": "ba7306e6c4fc19dd2cd84f2f0596d158",
        "valid": "88d51bf2173505436d3a8f78f2a59da8",
        "test": "3470f6d32713dc5f7715f198ca7c612a",
    },
    files={
        "train": ("train.csv", "train.libfm", "frappe.train.libfm", "train.parquet"),
        "valid": ("valid.csv", "valid.libfm", "frappe.validation.libfm", "valid.parquet"),
        "test": ("test.csv", "test.libfm", "frappe.test.libfm", "test.parquet"),
    },
    hub=Hub("reczoo/Frappe_x1", parts={"valid": "validation"}),
)

VT_SEED, VT_HELD_OUT = 2021, 0.15

FRAPPE_VT = replace(
    FRAPPE,
    name="frappe-vt",
    summary="the validation and test files of Frappe_x1, 86,582 labeled rows, Baltrunas et al. 2015",
    checksums={part: FRAPPE.checksums[part] for part in ("valid", "test")},
    folder="frappe",
)

FRAPPE_RAW = DataSet(
    name="frappe-raw",
    summary="the Frappe log, 96,203 rows, Baltrunas et al. 2015",
    license=LICENSE,
    columns={field: int if field in ("user", "item", "city") else str for field in FIELDS},
    checksums={"log": "5a7791a9a83510975526babc4e0590da8a1520cf4bf05281f89aedee520a6a7e"},
    files={"log": ("Mobile_Frappe.zip", "frappe.csv")},
    folder="frappe",
)


class _AppUse(Task):
    """The base of the three tasks: ten categorical fields in, the probability of use out.

    Two of three rows are sampled negatives, so the log loss does not reflect a real rate. Ids start at
    1, in order of decreasing count in the training rows; the last id of a field is for values not in
    the training rows, and 0 is reserved for padding.

    Parameters
    ----------
    train, valid, test
        Number of rows. The training rows depend on the seed.
    """

    cardinalities: ClassVar[tuple[int, ...]]
    arguments: ClassVar = {
        "smoke": {"train": 512, "valid": 128, "test": 256},
        "quick": {"train": 60_000, "valid": 2_000, "test": 10_000},
        "standard": {"train": 202_027, "valid": 57_722, "test": 28_860},
        "full": {"train": 202_027, "valid": 57_722, "test": 28_860},
    }
    budgets: ClassVar = {
        "smoke": Budget(steps=20, batch=64),
        "quick": Budget(steps=600, batch=256),
        "standard": Budget(steps=1_000, batch=4_096),
        "full": Budget(steps=2_500, batch=4_096),
    }
    evaluations = BY_USER
    published_tiers = ("full",)

    def __init__(self, train: int, valid: int, test: int):
        self.rows = {"train": train, "valid": valid, "test": test}

    @property
    def spec(self) -> TaskSpec:
        return TaskSpec(Fields(self.cardinalities), Binary())

    def tables(self, data: Path) -> dict[str, pd.DataFrame]:
        """Return all rows of train, valid and test, with columns ``label`` and the ten fields."""
        raise NotImplementedError

    def splits(self, data: Path, streams: Streams) -> Splits:
        tables = self.tables(data)
        chosen = {}
        for part, stream in (("train", streams.train), ("valid", streams.fixed), ("test", streams.fixed)):
            order = stream.permutation(len(tables[part]))[: self.rows[part]]
            chosen[part] = tables[part].iloc[order]
        ids = encode(chosen, self.cardinalities)
        splits = {
            part: Split(
                {"ids": ids[part]}, table["label"].to_numpy(np.float32), {USER: table["user"].to_numpy(np.int64)}
            )
            for part, table in chosen.items()
        }
        return Splits(splits["train"], splits["valid"], {"test": splits["test"]})

    def reference_scores(self, splits: Splits) -> list[ReferenceScore]:
        rules = [constant_rate(splits.train), logistic_regression(splits.train, self.cardinalities)]
        return click_scores(self.evaluations, splits, rules)


@register_task(
    "ctr-frappe",
    summary="Whether an app is used in a context (Frappe_x1, official split).",
    suites=("ctr", "quick"),
    needs=("frappe",),
)
class Frappe(_AppUse):
    """Frappe_x1 in the common 7:2:1 split by the authors of AFN."""

    cardinalities = (956, 4084, 9, 9, 4, 5, 4, 11, 82, 235)
    data_sources = (FRAPPE,)
    dataset: ClassVar[DataSet] = FRAPPE

    def tables(self, data: Path) -> dict[str, pd.DataFrame]:
        return {part: self.dataset.read(data, part) for part in ("train", "valid", "test")}


@register_task(
    "ctr-frappe-vt",
    summary="Whether an app is used in a context; trained on Frappe_x1's validation file only, so not Frappe_x1.",
    suites=("ctr",),
    needs=("frappe-vt",),
)
class FrappeVT(_AppUse):
    """Reduced Frappe_x1: trained on 85 % of its validation file, validated on the rest, tested on its test file.

    Only the training file of Frappe_x1 is hard to obtain. The reduced task keeps the order of the
    published models but not their scores, so its scores are not comparable with those on Frappe_x1.
    """

    cardinalities = (874, 4084, 9, 9, 4, 5, 4, 11, 77, 221)
    data_sources = (FRAPPE_VT,)
    dataset: ClassVar[DataSet] = FRAPPE_VT
    arguments: ClassVar = {
        "smoke": {"train": 512, "valid": 128, "test": 256},
        **{tier: {"train": 49_064, "valid": 8_658, "test": 28_860} for tier in ("quick", "standard", "full")},
    }
    budgets: ClassVar = {
        "smoke": Budget(steps=20, batch=64),
        "quick": Budget(steps=150, batch=1_024),
        **dict.fromkeys(("standard", "full"), Budget(steps=600, batch=1_024)),
    }
    published_tiers = ("quick", "standard", "full")
    recipes_of = "ctr-frappe"

    def tables(self, data: Path) -> dict[str, pd.DataFrame]:
        """Return the parts; a fixed random 15 % of the validation file is used for validation."""
        rows = self.dataset.read(data, "valid")
        order = np.random.default_rng(VT_SEED).permutation(len(rows))
        held = round(VT_HELD_OUT * len(rows))
        test = self.dataset.read(data, "test")
        return {"train": rows.iloc[order[held:]], "valid": rows.iloc[order[:held]], "test": test}


@register_task(
    "ctr-frappe-rebuilt",
    summary="Whether an app is used in a context; the Frappe log with our negatives and split, so not Frappe_x1.",
    suites=("ctr",),
    needs=("frappe-raw",),
)
class FrappeRebuilt(_AppUse):
    """The raw log with two sampled negatives per row, randomly split 7:2:1.

    The seed of the published negatives and split is unknown. Ours are a different draw, the same for
    every tier and seed, so scores are not comparable with those on Frappe_x1.
    """

    cardinalities = (959, 4084, 9, 9, 4, 5, 4, 11, 82, 235)
    data_sources = (FRAPPE_RAW,)
    dataset: ClassVar[DataSet] = FRAPPE_RAW

    def tables(self, data: Path) -> dict[str, pd.DataFrame]:
        stream = generator("ctr-frappe-rebuilt", "negatives and split")
        table = with_negatives(self.dataset.read(data, "log"), stream)
        table = table.iloc[stream.permutation(len(table))]
        valid, test = round(0.2 * len(table)), len(table) // 10
        train = len(table) - valid - test
        return {"train": table[:train], "valid": table[train : train + valid], "test": table[train + valid :]}


def with_negatives(log: pd.DataFrame, stream: np.random.Generator, negatives: int = 2) -> pd.DataFrame:
    """Return the log with label 1, plus copies of its rows with items the user never used, label 0."""
    import pandas as pd

    items = np.unique(log["item"])
    users = log["user"].to_numpy()
    used = np.unique(users * (items[-1] + 1) + log["item"].to_numpy())
    parts = [log.assign(label=1)]
    for _ in range(negatives):
        drawn = stream.choice(items, len(log))
        while (again := np.isin(users * (items[-1] + 1) + drawn, used)).any():
            drawn[again] = stream.choice(items, int(again.sum()))
        parts.append(log.assign(item=drawn, label=0))
    return pd.concat(parts, ignore_index=True)


def encode(tables: dict[str, pd.DataFrame], cardinalities: tuple[int, ...]) -> dict[str, np.ndarray]:
    """Return ids (rows, fields, 1) int16 per part, in order of decreasing count in ``train``."""
    import pandas as pd

    ids = {part: np.empty((len(table), len(FIELDS), 1), dtype=np.int16) for part, table in tables.items()}
    for column, (field, cardinality) in enumerate(zip(FIELDS, cardinalities, strict=True)):
        values, counts = np.unique(tables["train"][field].to_numpy(), return_counts=True)
        known = values[np.argsort(-counts, kind="stable")][: cardinality - 2]
        for part, table in tables.items():
            place = pd.Index(known).get_indexer(pd.Index(table[field]))
            ids[part][:, column, 0] = np.where(place < 0, cardinality - 1, place + 1)
    return ids
