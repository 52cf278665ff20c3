"""The page that compares two to six models: its data for the page's script.

The models are chosen on the page, so one file serves all pairs.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..formats import visible
from ..table.columns import CellView
from ..table.costs import largest, typical
from ..table.rows import group_by
from ..table.scales import column_scale
from ..table.sections import SectionView
from .index import column_payload, column_verdicts
from .samples import SampleView, answer_by, task_samples
from .site import Site
from .task_charts import mean_curves

COSTS = {
    "training time": ("train_seconds", "s"),
    "whole trial": ("total_seconds", "s"),
    "forward FLOPs per sample": ("forward_flops", ""),
    "inference per row": ("inference_ms", "ms"),
    "peak memory": ("peak_memory_bytes", "B"),
    "energy": ("energy_joules", "J"),
    "recurrent state": ("state_bytes", "B"),
    "total parameters": ("total_parameters", ""),
}
_LARGEST = ("peak_memory_bytes", "state_bytes", "total_parameters")
MOST_POINTS = 16
"""Points of a learning curve."""
_SIGNIFICANT = 4


def comparison_payload(section: SectionView, site: Site) -> dict[str, Any]:
    """Return the data of a section as JSON values, in the order of its rows and columns.

    Notes
    -----
    ``cells[column][row]`` is the mean and half the width of its interval (null for a single seed), or null.
    ``verdicts`` are those of the index. ``costs[row]`` are numbers or null. ``curves[task][row]`` are steps and
    validation scores. ``samples[task]`` has row numbers, targets, and by row of the table each answer with its choice.
    """
    variants = [row.variant for row in section.rows]
    return {
        "id": section.id,
        "title": visible(_title(section)),
        "compares": section.compares,
        "rows": [
            {"variant": visible(row.variant), "model": visible(row.model.name), "page": row.page}
            for row in section.rows
        ],
        "columns": [
            column_payload(column) | _bounds(index, section) | {"page": column.page}
            for index, column in enumerate(section.columns)
        ],
        "cells": [[_cell(row.cells[index]) for row in section.rows] for index in range(len(section.columns))],
        "verdicts": [column_verdicts(column, variants) for column in section.columns],
        "costs": {"names": [[name, unit] for name, (_, unit) in COSTS.items()], "values": _costs(section, site)},
        "curves": _curves(section, site),
        "samples": _samples(section, site),
    }


def _title(section: SectionView) -> str:
    fixed = ", fixed sizes" if section.sizing == "fixed" else ""
    return f"{section.tier} tier, {section.recipe} recipe, {section.device}, protocol {section.protocol}{fixed}"


def _bounds(index: int, section: SectionView) -> dict[str, Any]:
    """Return the values at the ends of a column's axis, the worse one first."""
    column = section.columns[index]
    scale = column_scale(column)
    if scale:
        return {"low": scale.low, "high": scale.high}
    values = [row.cells[index].value for row in section.rows]
    known = sorted(column.sign * value for value in values if value is not None)
    return {"low": column.sign * known[0], "high": column.sign * known[-1]} if known else {"low": None, "high": None}


def _cell(cell: CellView) -> list[float | None] | None:
    return None if cell.value is None else [_short(cell.value), _short(cell.spread)]


def _short(value: float | None, digits: int = 6) -> float | None:
    return None if value is None else float(f"{value:.{digits}g}")


def _costs(section: SectionView, site: Site) -> list[list[float | None]]:
    finished = [row for row in site.scores_of(section) if row["status"] == "ok"]
    own = {variant: rows for (variant,), rows in group_by(finished, "variant").items()}

    def cost(variant: str, field: str) -> float | None:
        cells = own.get(variant, [])
        return _short((largest if field in _LARGEST else typical)(cells, field), _SIGNIFICANT)

    return [[cost(row.variant, field) for field, _ in COSTS.values()] for row in section.rows]


def _curves(section: SectionView, site: Site) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for column in section.first_columns.values():
        curves = mean_curves(site.records_of(section, column.task.task), "step", column.format, MOST_POINTS)
        if curves:
            found[visible(column.task.task)] = {
                "label": f"validation {column.format.label}",
                "lines": [
                    [[_short(x, _SIGNIFICANT), _short(y, _SIGNIFICANT)] for x, y, *_ in curves.get(row.variant, [])]
                    for row in section.rows
                ],
            }
    return found


def _samples(section: SectionView, site: Site) -> dict[str, Mapping[str, Any]]:
    found: dict[str, Mapping[str, Any]] = {}
    for column in section.first_columns.values():
        views = task_samples(column.task.task, section, site)
        if views:
            found[visible(column.task.task)] = {
                "page": column.page,
                "rows": [view.row for view in views],
                "targets": [visible(view.target) for view in views],
                "answers": [[_answer(view, row.variant) for view in views] for row in section.rows],
            }
    return found


def _answer(view: SampleView, variant: str) -> list[str]:
    """Return an answer and the choice that it stands for; empty texts if there is none."""
    found = answer_by(view, variant)
    return [visible(" ".join(text for text, _ in found.parts)), visible(found.choice)] if found else ["", ""]
