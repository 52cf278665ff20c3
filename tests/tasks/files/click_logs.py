"""The csv files of the public click logs; the first field determines the click rate."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

COUNTS = tuple(f"I{n}" for n in range(1, 14))
CATEGORIES = tuple(f"C{n}" for n in range(1, 27))
HASHED = ("site_id", "site_domain", "site_category", "app_id", "app_domain", "app_category")
DEVICE = ("device_id", "device_ip", "device_model")
MOST_CLICKED, LEAST_CLICKED = 0.8, 0.2

Columns = dict[str, np.ndarray]


def whole(draw: np.random.Generator, rows: int, names: tuple[str, ...], low: int, high: int) -> Columns:
    """Return columns of integers."""
    return {name: draw.integers(low, high, rows).astype(str) for name in names}


def hexadecimal(draw: np.random.Generator, rows: int, names: tuple[str, ...], empty: float = 0.0) -> Columns:
    """Return columns of eight hexadecimal digits; a tenth are rare values, and some are empty."""
    found = {}
    for name in names:
        numbers = np.where(draw.random(rows) < 0.9, draw.integers(4, size=rows), draw.integers(2**32, size=rows))
        found[name] = np.where(draw.random(rows) < empty, "", np.char.mod("%08x", numbers))
    return found


def criteo_x1(draw: np.random.Generator, rows: int) -> Columns:
    numbers = {name: np.char.mod("%.6g", draw.random(rows)) for name in COUNTS}
    return numbers | whole(draw, rows, CATEGORIES, 0, 21)


def criteo_x4(draw: np.random.Generator, rows: int) -> Columns:
    counts = whole(draw, rows, COUNTS, -3, 60)
    counts = {name: np.where(draw.random(rows) < 0.2, "", column) for name, column in counts.items()}
    return counts | hexadecimal(draw, rows, CATEGORIES, empty=0.1)


def avazu_x1(draw: np.random.Generator, rows: int) -> Columns:
    return whole(draw, rows, tuple(f"feat_{n}" for n in range(1, 23)), 0, 9)


def avazu_x4(draw: np.random.Generator, rows: int) -> Columns:
    hours = np.char.mod("141021%02d", draw.integers(24, size=rows))
    site = {"C1": draw.integers(1000, 1003, rows).astype(str), "banner_pos": np.full(rows, "0")}
    kinds = {"device_type": np.full(rows, "1"), "device_conn_type": np.full(rows, "0")}
    numbers = whole(draw, rows, tuple(f"C{n}" for n in range(14, 22)), 0, 4)
    return {"hour": hours, **site, **hexadecimal(draw, rows, (*HASHED, *DEVICE)), **kinds, **numbers}


def movielens(draw: np.random.Generator, rows: int) -> Columns:
    return whole(draw, rows, ("user_id", "item_id", "tag_id"), 0, 11)


@dataclass(frozen=True)
class Log:
    """A log's folder, the generators of its columns, and the column that determines the clicks."""

    name: str
    draw: Callable[[np.random.Generator, int], Columns]
    telling: str
    label: str = "label"
    has_id: bool = False

    def write(self, folder: Path, rows: Mapping[str, int], texts: Mapping[str, str] | None = None) -> dict[str, Any]:
        """Write the parts; `texts` replaces the content of some of them."""
        home, sums = folder / self.name, {}
        home.mkdir(parents=True)
        for seed, (part, count) in enumerate(rows.items()):
            text = (texts or {}).get(part) or self.table(seed, count).to_csv(index=False)
            (home / f"{part}.csv").write_text(text)
            sums[part] = hashlib.md5(text.encode()).hexdigest()
        return {"checksums": sums}

    def table(self, seed: int, rows: int) -> pd.DataFrame:
        """Return rows as text, with the columns in the order of the files."""
        draw = np.random.default_rng(seed)
        columns = self.draw(draw, rows)
        often = pd.util.hash_array(columns[self.telling].astype(object)) % 2 == 1
        clicked = draw.random(rows) < np.where(often, MOST_CLICKED, LEAST_CLICKED)
        first = {"id": np.full(rows, "10000174058809263569")} if self.has_id else {}
        return pd.DataFrame({**first, self.label: clicked.astype(int).astype(str), **columns})


LOGS = {
    log.name: log
    for log in (
        Log("criteo-x1", criteo_x1, "C1"),
        Log("criteo-x4", criteo_x4, "C1", label="Label"),
        Log("avazu-x1", avazu_x1, "feat_1"),
        Log("avazu-x4", avazu_x4, "C14", label="click", has_id=True),
        Log("movielens-x1", movielens, "user_id"),
    )
}
