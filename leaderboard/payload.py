"""What the index page's scripts know of a section: its scores, and the comparisons that were worked out once."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from .formats import visible
from .statistics import Verdict, t_quantile
from .views import CellView, ColumnView, SectionView


def section_payload(section: SectionView) -> dict[str, Any]:
    """Return a section as JSON values, in the order of its rows and columns.

    Notes
    -----
    ``scores[column][row][seed]`` is a number, the status of a run without one, or null where none was
    made. ``verdicts[column][reference][row]`` is a character of `Verdict`. ``quantiles[n]`` is what the
    standard error of a difference over `n` seeds is multiplied with.
    """
    variants = [row.variant for row in section.rows]
    return {
        **{name: visible(getattr(section, name)) for name in ("id", "tier", "recipe", "device", "protocol")},
        "seeds": section.seeds,
        "quantiles": {n: t_quantile(n) for n in range(2, len(section.seeds) + 1)},
        "rows": [{"variant": visible(row.variant), "family": visible(row.family)} for row in section.rows],
        "columns": [_column(column) for column in section.columns],
        "scores": [
            [_scores(row.cells[index], section.seeds) for row in section.rows] for index in range(len(section.columns))
        ],
        "verdicts": [_verdicts(column, variants) for column in section.columns],
    }


def _column(column: ColumnView) -> dict[str, Any]:
    return {
        "name": visible(column.name),
        "group": visible(column.group),
        "task": visible(column.task.task),
        "metric": visible(column.evaluation.metric),
        "direction": column.evaluation.direction,
        "scale": column.format.scale,
        "decimals": column.format.decimals,
    }


def _scores(cell: CellView, seeds: Iterable[int]) -> list[float | str | None] | None:
    found = {seed.seed: seed.value if seed.ok else seed.status for seed in cell.seeds}
    return [found.get(seed) for seed in seeds] if found else None


def _verdicts(column: ColumnView, variants: list[str]) -> list[str]:
    """Return a line a reference row, with a character a row."""
    compared = column.comparisons
    if compared is None:
        return [Verdict.UNKNOWN * len(variants)] * len(variants)
    lines = {}
    for index, name in enumerate(compared.names):
        found = dict(zip(compared.names, compared.verdicts(index), strict=True))
        lines[name] = "".join(found.get(other, Verdict.UNKNOWN) for other in variants)
    return [lines.get(one, Verdict.UNKNOWN * len(variants)) for one in variants]
