"""Rows of the tidy table: their columns, grouping, and export as CSV and JSON."""

from __future__ import annotations

import csv
import io
import json
from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any

Row = dict[str, Any]
"""One row of the table by column name; missing values are None."""

SECTION = ("tier", "recipe", "device", "protocol", "sizing")
"""The columns that define a section. Scores of different sections are never compared.

`sizing` is "fixed" if the body does not have the tier's size (`archarena.harness.contract.model.Model.fixed_width`),
otherwise "fitted".
"""

COSTS = (
    "train_seconds", "total_seconds", "samples_per_second", "tokens_per_second", "inference_ms", "forward_flops",
    "energy_joules", "state_bytes",
)  # fmt: skip
"""Costs of a cell, named as in its record."""

COLUMNS = (
    "kind", "variant", "model", "family", "hyperparameters", "suite", "task", "column", "tier", "recipe", "device",
    "protocol", "sizing", "seed", "status", "reason", "value", "normalized", "metric", "direction", "unit", "chance",
    "ceiling", *COSTS, "body_parameters", "total_parameters", "peak_memory_bytes", "learning_rate", "lift",
    "stale", "finish", "after_steps", "reference", "half_width", "p_value", "verdict", "more_seeds", "reduced",
    "checksum", "started", "citation", "summary", "caveat", "key", "page",
)  # fmt: skip
"""`kind` is "score" (one seed in one column), "average", "comparison", "reference score" or "published".

A comparison is `variant` minus `reference`, the best row of the column, with half the width of its 95 % interval over
test rows and seeds. `more_seeds` is about how many more seeds of both would decide it, -1 if only more test rows would.

`finish` says whether the validation score had stopped improving (`archarena.harness.judging.finish`). `after_steps` is
the number of steps after which a column was scored, if its leader was still improving.

`stale` says that another version of the model's source made the cell than the newest of its row.
"""


def group_by(rows: Iterable[Row], *names: str) -> dict[tuple, list[Row]]:
    """Return rows by the values of the named columns, in order of first appearance."""
    groups: dict[tuple, list[Row]] = defaultdict(list)
    for row in rows:
        groups[tuple(row[name] for name in names)].append(row)
    return groups


def to_csv(table: Sequence[Row]) -> str:
    """Return the table as CSV. Text that a spreadsheet would run as a formula is prefixed with an apostrophe."""
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(COLUMNS)
    writer.writerows([_inert(row[name]) for name in COLUMNS] for row in table)
    return file.getvalue()


def _inert(value: Any) -> Any:
    return f"'{value}" if isinstance(value, str) and value.startswith(tuple("=+-@\t\r")) else value


def to_json(table: Sequence[Row]) -> str:
    """Return the table as JSON: a list of objects, with null for missing values."""
    return json.dumps(table, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
