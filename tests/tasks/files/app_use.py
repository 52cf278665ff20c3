"""Frappe: labeled rows as csv, libfm and parquet files, and its raw log."""

from __future__ import annotations

import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from archarena.tasks.frappe import FIELDS, FRAPPE, FRAPPE_RAW

NAMES = {"csv": "{}.csv", "libfm": "frappe.{}.libfm", "parquet": "{}.parquet"}
PARTS = ("train", "valid", "test")


def frappe(folder: Path, rows: Mapping[str, int], *, form: str = "csv") -> dict[str, Any]:
    """Write labeled rows of each part in one of the official formats."""
    tables = {part: clicks(count, PARTS.index(part)) for part, count in rows.items()}
    for part, table in tables.items():
        write(folder, form, part, table)
    return {"checksums": {part: FRAPPE.canonical(table)[1] for part, table in tables.items()}}


def frappe_raw(folder: Path, rows: Mapping[str, int]) -> dict[str, Any]:
    """Write the log as it is distributed: a zip file."""
    table = log(rows["log"])
    zipped(folder, table)
    return {"checksums": {"log": FRAPPE_RAW.canonical(table)[1]}}


def clicks(rows: int, seed: int) -> pd.DataFrame:
    """Return rows whose label depends on the item; ids are numbered across all fields."""
    draw = np.random.default_rng(seed)
    ids = draw.integers(0, 8, (rows, len(FIELDS))) + 10 * np.arange(len(FIELDS))
    return pd.DataFrame(ids, columns=list(FIELDS)).assign(label=ids[:, 1] % 2)[["label", *FIELDS]]


def write(folder: Path, form: str, part: str, table: pd.DataFrame) -> None:
    """Write a part in one of the official formats."""
    stem = "validation" if (form, part) == ("libfm", "valid") else part
    path = folder / "frappe" / NAMES[form].format(stem)
    path.parent.mkdir(parents=True, exist_ok=True)
    if form == "csv":
        table.to_csv(path, index=False, lineterminator="\r\n")
    elif form == "parquet":
        table.to_parquet(path)
    else:
        lines = [f"{(-1, 1)[row[0]]} " + " ".join(f"{value}:1" for value in row[1:]) for row in table.to_numpy()]
        path.write_bytes("\r\n".join(lines).encode())


def log(rows: int = 400) -> pd.DataFrame:
    """Return uses of apps, twenty per user; some apps are used far more than others."""
    draw = np.random.default_rng(0)
    words = {field: draw.choice(["one", "two", "unknown"], rows) for field in FIELDS[2:9]}
    items = (3 * rows // 20 * draw.random(rows) ** 2).astype(int)
    table = pd.DataFrame({"user": draw.integers(0, rows // 20, rows), "item": items, "cnt": 1, **words})
    return table.assign(city=draw.integers(0, 9, rows))


def zipped(folder: Path, table: pd.DataFrame, member: str = "Mobile_Frappe/frappe/frappe.csv") -> None:
    """Write a log into its archive."""
    (folder / "frappe").mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(folder / "frappe" / "Mobile_Frappe.zip", "w") as archive:
        archive.writestr("Mobile_Frappe/frappe/meta.csv", "item\tpackage\n0\tcom.example\n")
        archive.writestr(member, table.to_csv(sep="\t", index=False))
