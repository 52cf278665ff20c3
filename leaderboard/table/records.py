"""Selection of the records that enter the table, and notes on how their conditions differ."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from ...harness.planning.tier import SIZE_TOLERANCE
from ...harness.records.record import Record

_OF_MODEL = ("model", "model_source", "hyperparameters", "seed")
"""Parts of a key that may differ between the rows of one column. A variant may also set its depth."""

_OF_PUBLISHED_RECIPE = ("tier", "budget", "recipe")
"""Further parts of a key that a published recipe sets per model: its size, its budget, its training."""


NAMED = 5
"""Cells that a note names."""


def section_of(record: Record) -> dict[str, str]:
    """Return the section of a record: tier, recipe, device and protocol."""
    device = record.key_parts.get("device") or record.environment.get("device") or "unknown device"
    protocol = str(record.key_parts.get("protocol", "unknown"))
    return {"tier": record.cell.tier, "recipe": record.cell.recipe, "device": str(device), "protocol": protocol}


def sizings(records: Sequence[Record]) -> dict[str, str]:
    """Return by key whether a record's body was "fitted" to the tier's size or is "fixed".

    Records of earlier versions have no tolerance: those outside it count as fixed. A cell without a size, such as a
    failed one, belongs to the other cells of its variant.
    """
    fixed = {
        record.key: record.size.fixed or abs(record.size.deviation) > SIZE_TOLERANCE
        for record in records
        if record.size is not None
    }
    of_variant: dict[tuple, list[bool]] = defaultdict(list)
    for record in records:
        if record.key in fixed:
            of_variant[*section_of(record).values(), record.cell.variant].append(fixed[record.key])
    found = {}
    for record in records:
        others = of_variant.get((*section_of(record).values(), record.cell.variant), [False])
        found[record.key] = "fixed" if fixed.get(record.key, all(others)) else "fitted"
    return found


def stale(records: Sequence[Record]) -> set[str]:
    """Return the keys of records made by another version of the model's source than the newest of their row."""
    rows: dict[tuple, list[Record]] = defaultdict(list)
    for record in records:
        rows[*section_of(record).values(), record.cell.variant].append(record)
    found = set()
    for row in rows.values():
        newest_source = max(row, key=lambda record: record.order).key_parts.get("model_source")
        found |= {record.key for record in row if record.key_parts.get("model_source") != newest_source}
    return found


def shown_records(records: Iterable[Record]) -> tuple[list[Record], list[list[Record]]]:
    """Return the records to show per variant and task, and lists of those of other code or settings.

    Records that differ from each other in the seed only are shown together, so that a mean over seeds never mixes
    different code or settings. Of several such groups, that with most finished seeds is shown, then the newest.
    """
    groups: dict[tuple, dict[str, list[Record]]] = defaultdict(lambda: defaultdict(list))
    for record in sorted(records, key=lambda record: record.order):
        place = (*section_of(record).values(), record.cell.variant, record.cell.task)
        groups[place][_without_seed(record)].append(record)
    shown: list[Record] = []
    left_out: list[list[Record]] = []
    for lineages in groups.values():
        chosen = max(lineages, key=lambda name: (_finished_seeds(lineages[name]), lineages[name][-1].order))
        by_seed = {record.cell.seed: record for record in lineages[chosen]}
        shown += by_seed.values()
        left_out += [own for name, own in lineages.items() if name != chosen]
    return shown, left_out


def _finished_seeds(records: Iterable[Record]) -> int:
    return len({record.cell.seed for record in records if record.status == "ok"})


def notes_on_left_out(left_out: Sequence[Sequence[Record]]) -> Iterator[str]:
    """Yield a note on cells with results of different code or settings."""
    if not left_out:
        return
    cells = list(dict.fromkeys(f"{own[0].cell.variant} on {own[0].cell.task} ({own[0].cell.tier})" for own in left_out))
    named = ", ".join(cells[:NAMED]) + (f" and {len(cells) - NAMED} more" if len(cells) > NAMED else "")
    yield (
        f"Cells with results of different code or settings: {named}. The results with most seeds are shown, otherwise "
        "the newest; `archarena run --rerun stale` runs cells again of which only older code has a record."
    )


def _without_seed(record: Record) -> str:
    parts = {name: value for name, value in record.key_parts.items() if name != "seed"}
    return json.dumps(parts, sort_keys=True)


def notes_on(records: Iterable[Record]) -> Iterator[str]:
    """Yield a note per cell whose models saw different data, and per column whose rows had different conditions."""
    checksums: dict[tuple, set[str]] = defaultdict(set)
    conditions: dict[tuple, list[Mapping[str, Any]]] = defaultdict(list)
    for record in records:
        place = (*section_of(record).values(), record.cell.task)
        conditions[place].append(_conditions(record))
        if record.data.checksum:
            checksums[*place, record.cell.seed].add(record.data.checksum)
    for (tier, *_, task, seed), sums in checksums.items():
        if len(sums) > 1:
            yield (
                f"The models were trained or tested on different data on {task} ({tier}, seed {seed}): "
                f"there are {len(sums)} checksums."
            )
    for (tier, *_, task), parts in conditions.items():
        names = {name for part in parts for name in part}
        differing = sorted(name for name in names if any(part.get(name) != parts[0].get(name) for part in parts))
        if differing:
            yield f"The rows of {task} ({tier}) were run under different conditions: {', '.join(differing)}."


def _conditions(record: Record) -> dict[str, Any]:
    """Return the parts of a record's key that all rows of a column should share."""
    parts = {name: value for name, value in record.key_parts.items() if name not in _OF_MODEL}
    if record.cell.recipe.startswith("published"):
        parts = {name: value for name, value in parts.items() if name not in _OF_PUBLISHED_RECIPE}
    elif isinstance(parts.get("tier"), dict):
        parts["tier"] = {name: value for name, value in parts["tier"].items() if name != "depth"}
    return {name.replace("_", " "): value for name, value in parts.items()}
