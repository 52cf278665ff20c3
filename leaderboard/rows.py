"""Rows of the tidy table as plain dictionaries."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from typing import Any

Row = dict[str, Any]
"""One row of the table by column name; None where a value is missing."""


def group_by(rows: Iterable[Row], *names: str) -> dict[tuple, list[Row]]:
    """Return rows by the values of some columns, in the order in which they are first met."""
    groups: dict[tuple, list[Row]] = defaultdict(list)
    for row in rows:
        groups[tuple(row[name] for name in names)].append(row)
    return groups
