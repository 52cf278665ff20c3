"""Writes files in the exact formats of the data sets, with made-up content that can be learned.

A writer takes the data folder and the number of rows of each part. It returns the attributes of the `DataSet` that pin
these files.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from . import app_use, click_logs, papers, pictures, problems, releases, reviews, wikipedia

Rows = Mapping[str, int]
Pins = dict[str, Any]


@dataclass(frozen=True)
class Set:
    """The writer of a data set, and the number of rows that its tasks need at each tier."""

    write: Callable[[Path, Rows], Pins]
    smoke: Rows
    quick: Rows

    def at(self, tier: str, folder: Path) -> Pins:
        """Write the files for a tier."""
        return self.write(folder, {"smoke": self.smoke, "quick": self.quick}[tier])


CLICKS = ({"train": 512, "valid": 128, "test": 256}, {"train": 60_000, "valid": 2_000, "test": 10_000})
RELEASED_IMAGES = ({"all": 160}, {"all": 4_000})

SETS = {
    "aan": Set(papers.aan, {"train": 64, "valid": 32, "test": 64}, {"train": 4_000, "valid": 200, "test": 1_000}),
    "cifar10": Set(pictures.cifar10, {"train": 5_100, "test": 40}, {"train": 13_000, "test": 1_000}),
    "enwik8": Set(wikipedia.enwik8, {"train": 30_000}, {"train": 12_000_000}),
    "frappe": Set(app_use.frappe, *CLICKS),
    "frappe-raw": Set(app_use.frappe_raw, {"log": 900}, {"log": 34_000}),
    "frappe-vt": Set(app_use.frappe, {"valid": 800, "test": 256}, {"valid": 57_722, "test": 28_860}),
    "imdb": Set(reviews.imdb, {"train": 2_600, "test": 64}, {"train": 10_500, "test": 1_000}),
    "listops-release": Set(
        releases.listops, {"train": 32, "valid": 8, "test": 16}, {"train": 4_000, "valid": 50, "test": 200}
    ),
    "math": Set(problems.math, {"train": 600, "test": 50}, {"train": 7_500, "test": 500}),
    "math-500": Set(problems.math_500, {"test": 50}, {"test": 500}),
    "mnist": Set(pictures.mnist, {"train": 5_600, "test": 256}, {"train": 25_000, "test": 2_000}),
    "pathfinder-release": Set(releases.pathfinder32, *RELEASED_IMAGES),
    "pathx-release": Set(releases.pathfinder128, *RELEASED_IMAGES),
    **{name: Set(log.write, *CLICKS) for name, log in click_logs.LOGS.items()},
}
