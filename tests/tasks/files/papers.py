"""Pairs of papers in the format of the Long Range Arena; papers that cite each other share words."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from archarena.tasks.retrieval import AAN

OTHER = "speech recognition lattice"
REST = " in which we describe how well all of it works" * 6


def aan(folder: Path, rows: Mapping[str, int]) -> dict[str, Any]:
    """Write pairs; in every second one, a paper cites the other."""
    (folder / "aan").mkdir(parents=True)
    for part, count in rows.items():
        lines = []
        for n in range(count):
            topic = f"{part}{n} graph parsing"
            lines.append(f"{n % 2}.0\tP{n}\tQ{n}\t{topic} of trees{REST}\t{topic if n % 2 else OTHER} again{REST}")
        (folder / "aan" / AAN.files[part][0]).write_text("\n".join(lines) + "\n")
    return {"counts": dict(rows)}
