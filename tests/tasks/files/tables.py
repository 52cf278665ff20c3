"""Tables as JSON lines, the format of most data sets."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd
from archarena.harness.data.data_set import DataSet


def write_lines(folder: Path, dataset: DataSet, tables: Mapping[str, list[dict[str, Any]]]) -> dict[str, Any]:
    """Write each part of a data set, and return its checksums, or numbers of rows if it has none."""
    home = folder / dataset.name
    home.mkdir(parents=True, exist_ok=True)
    for part, rows in tables.items():
        (home / f"{part}.jsonl").write_text("\n".join(map(json.dumps, rows)))
    if dataset.counts:
        return {"counts": {part: len(rows) for part, rows in tables.items()}}
    return {"checksums": {part: dataset.canonical(pd.DataFrame(rows))[1] for part, rows in tables.items()}}
