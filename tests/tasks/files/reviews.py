"""Movie reviews in the format of the Large Movie Review Dataset; their words give the label."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from archarena.tasks.imdb import IMDB

from .tables import write_lines

WORDS = (("dull", "awful", "waste"), ("fine", "lovely", "moving"))
LENGTH = 40
"""Words of a review."""


def imdb(folder: Path, rows: Mapping[str, int]) -> dict[str, Any]:
    """Write reviews; every second one is positive."""
    return write_lines(folder, IMDB, {part: reviews(part, count) for part, count in rows.items()})


def reviews(part: str, rows: int) -> list[dict[str, Any]]:
    words = np.random.default_rng(len(part)).integers(len(WORDS[0]), size=(rows, LENGTH))
    return [
        {"text": f"{part} {n}: " + " ".join(WORDS[n % 2][word] for word in words[n]), "label": n % 2, "rating": 1}
        for n in range(rows)
    ]
