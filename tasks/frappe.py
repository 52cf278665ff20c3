"""Frappe: which apps people use, where and when, as click prediction on ten categorical fields."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from ..harness.registry import register_task
from ..harness.seeds import generator
from ..harness.spec import Binary, Fields, TaskSpec
from ..harness.task import Budget, Evaluation, Level, Split, Splits, Streams, Task
from .data import DataSet, Hub
from .levels import fit_logistic

if TYPE_CHECKING:
    import pandas as pd

FIELDS = ("user", "item", "daytime", "weekday", "isweekend", "homework", "cost", "weather", "country", "city")
LICENCE = "research use with acknowledgement; no redistribution, no commercial use"


class FrappeX1(DataSet):
    """The labelled rows with their official split, as csv or libfm files of the same ids.

    The published md5 sums are those of the csv files, header and CRLF line ends included; rows
    from any other format are checked by writing them so.
    """

    def canonical(self, table: pd.DataFrame) -> tuple[pd.DataFrame, str]:
        """Return the rows as they are, and the md5 of their csv text."""
        text = table.to_csv(index=False, lineterminator="\r\n")
        return table, hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()


FRAPPE = FrappeX1(
    name="frappe",
    summary="Frappe_x1, 288,609 labelled rows of Baltrunas et al. 2015",
    licence=LICENCE,
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

FRAPPE_RAW = DataSet(
    name="frappe-raw",
    summary="the Frappe log, 96,203 rows, Baltrunas et al. 2015",
    licence=LICENCE,
    columns={field: int if field in ("user", "item", "city") else str for field in FIELDS},
    checksums={"log": "5a7791a9a83510975526babc4e0590da8a1520cf4bf05281f89aedee520a6a7e"},
    files={"log": ("Mobile_Frappe.zip", "frappe.csv")},
    folder="frappe",
)


class _AppUse(Task):
    """What both tasks share: ten categorical fields in, the probability of use out.

    Ids are numbered on the training rows alone, by falling count from 1; the last id of a field
    stands for what they do not hold, and 0 would pad.

    Parameters
    ----------
    train, valid, test
        Rows. The train rows move with the seed.
    """

    cardinalities: ClassVar[tuple[int, ...]]
    sizes: ClassVar = {
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
    evaluations = (
        Evaluation("auc", "Area under the ROC curve of use against sampled non-use.", chance=0.5),
        Evaluation("log_loss", "Mean cross-entropy; two of three rows are sampled, so no real rate.", name="log-loss"),
    )

    def __init__(self, train: int, valid: int, test: int):
        self.rows = {"train": train, "valid": valid, "test": test}

    @property
    def spec(self) -> TaskSpec:
        """Ten categorical fields in, one logit out."""
        return TaskSpec(Fields(self.cardinalities), Binary())

    def tables(self, data: Path) -> dict[str, pd.DataFrame]:
        """Return all rows of train, valid and test, columns ``label`` and the ten fields."""
        raise NotImplementedError

    def splits(self, data: Path, streams: Streams) -> Splits:
        """Return the arrays (see `Task.splits`)."""
        tables = self.tables(data)
        chosen = {}
        for part, stream in (("train", streams.train), ("valid", streams.fixed), ("test", streams.fixed)):
            order = stream.permutation(len(tables[part]))[: self.rows[part]]
            chosen[part] = tables[part].iloc[order]
        ids = encode(chosen, self.cardinalities)
        splits = {
            part: Split({"ids": ids[part]}, table["label"].to_numpy(np.float32)) for part, table in chosen.items()
        }
        return Splits(splits["train"], splits["valid"], {"test": splits["test"]})

    def baselines(self, splits: Splits) -> list[Level]:
        """Return what a constant and logistic regression on single fields reach."""
        train, test = splits.train, splits.tests["test"]
        rate = "The rate of the training rows for every row."
        return [
            Level("", "constant", 0.5, summary=rate),
            Level(
                "log-loss", "constant", _log_loss(np.full(len(test), train.targets.mean()), test.targets), summary=rate
            ),
            *self._logistic(train, test),
        ]

    def _logistic(self, train: Split, test: Split) -> list[Level]:
        from sklearn.metrics import roc_auc_score

        model = fit_logistic(one_hot(train.inputs["ids"], self.cardinalities), train.targets)
        chance = model.predict_proba(one_hot(test.inputs["ids"], self.cardinalities))[:, 1]
        summary = "Logistic regression on single fields, without interactions."
        return [
            Level("", "logistic regression", float(roc_auc_score(test.targets, chance)), summary=summary),
            Level("log-loss", "logistic regression", _log_loss(chance, test.targets), summary=summary),
        ]


@register_task(
    "ctr-frappe",
    summary="Whether an app is used in a context (Frappe_x1, official split).",
    suites=("ctr", "quick"),
    needs=("frappe",),
)
class Frappe(_AppUse):
    """Frappe_x1 as AFN's authors split it (7:2:1), the field's common protocol."""

    cardinalities = (956, 4084, 9, 9, 4, 5, 4, 11, 82, 235)
    sources = (FRAPPE,)
    dataset: ClassVar[DataSet] = FRAPPE

    def tables(self, data: Path) -> dict[str, pd.DataFrame]:
        """Return the official parts."""
        return {part: self.dataset.read(data, part) for part in ("train", "valid", "test")}


@register_task(
    "ctr-frappe-rebuilt",
    summary="Whether an app is used in a context; negatives and split drawn anew from the Frappe log: not Frappe_x1.",
    suites=("ctr",),
    needs=("frappe-raw",),
)
class FrappeRebuilt(_AppUse):
    """The raw log with two sampled negatives a row, split 7:2:1 at random.

    The published negatives and split were drawn without a seed that is known; these are another
    draw, the same for every tier and seed. Its numbers must not be laid beside Frappe_x1's.
    """

    cardinalities = (959, 4084, 9, 9, 4, 5, 4, 11, 82, 235)
    sources = (FRAPPE_RAW,)
    dataset: ClassVar[DataSet] = FRAPPE_RAW

    def tables(self, data: Path) -> dict[str, pd.DataFrame]:
        """Return the parts of the fixed draw."""
        stream = generator("ctr-frappe-rebuilt", "negatives and split")
        table = with_negatives(self.dataset.read(data, "log"), stream)
        table = table.iloc[stream.permutation(len(table))]
        valid, test = round(0.2 * len(table)), len(table) // 10
        train = len(table) - valid - test
        return {"train": table[:train], "valid": table[train : train + valid], "test": table[train + valid :]}


def with_negatives(log: pd.DataFrame, stream: np.random.Generator, negatives: int = 2) -> pd.DataFrame:
    """Return the log with label 1, and copies of its rows with an item their user never used, label 0."""
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
    """Return ids (rows, fields, 1) int16 of every part, numbered on ``train`` by falling count."""
    import pandas as pd

    ids = {part: np.empty((len(table), len(FIELDS), 1), dtype=np.int16) for part, table in tables.items()}
    for column, (field, cardinality) in enumerate(zip(FIELDS, cardinalities, strict=True)):
        values, counts = np.unique(tables["train"][field].to_numpy(), return_counts=True)
        known = values[np.argsort(-counts, kind="stable")][: cardinality - 2]
        for part, table in tables.items():
            place = pd.Index(known).get_indexer(pd.Index(table[field]))
            ids[part][:, column, 0] = np.where(place < 0, cardinality - 1, place + 1)
    return ids


def one_hot(ids: np.ndarray, cardinalities: tuple[int, ...]):
    """Return ids (rows, fields, 1) as a sparse matrix (rows, sum of cardinalities) of ones."""
    from scipy.sparse import csr_array

    rows, fields, _ = ids.shape
    columns = ids[:, :, 0].astype(np.int64) + np.concatenate([[0], np.cumsum(cardinalities)[:-1]])
    starts = np.arange(0, rows * fields + 1, fields)
    return csr_array((np.ones(rows * fields), columns.ravel(), starts), shape=(rows, sum(cardinalities)))


def _log_loss(chance: np.ndarray, labels: np.ndarray) -> float:
    from sklearn.metrics import log_loss

    return float(log_loss(labels, chance, labels=[0, 1]))
