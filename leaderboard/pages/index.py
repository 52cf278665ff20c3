"""The index page: charts of a section, data for the page's scripts, and the choices of the controls."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np

from ..charts.drawing import Chart
from ..charts.quality import quality_chart
from ..charts.ranking import ranking_chart
from ..charts.state import state_chart
from ..charts.trade_off import trade_off_chart
from ..formats import visible
from ..table.columns import CellView, ColumnView
from ..table.rows import SECTION
from ..table.sections import SectionView
from ..table.statistics import Verdict
from .site import Site


def section_charts(section: SectionView, site: Site) -> Iterator[Chart]:
    """Yield the charts that the results of a section allow."""
    place = {name: getattr(section, name) for name in SECTION}
    scores = [row for row in site.scores if all(row[name] == value for name, value in place.items())]
    tasks = [column.task.task for column in section.first_columns.values()]
    records = [record for task in tasks for record in site.records_of(section, task)]
    charts = (
        quality_chart(section, scores, site.colors),
        ranking_chart(section),
        state_chart(f"{section.id}-state", scores, site.colors),
        trade_off_chart(f"{section.id}-trade-off", records, site.families, site.colors),
    )
    yield from filter(None, charts)


def section_payload(section: SectionView) -> dict[str, Any]:
    """Return the data of a section for the page's scripts as JSON values, in the order of its rows and columns.

    Notes
    -----
    ``scores[column][row][seed]`` is a number, the status of a run without a score, or null if there was no
    run. ``verdicts[column][reference][row]`` is a character of `Verdict`. ``halves[column][row][other]``, for rows
    after `other`, is half the width of the interval of their difference, or null.
    """
    variants = [row.variant for row in section.rows]
    return {
        **{name: visible(getattr(section, name)) for name in ("id", *SECTION)},
        "seeds": section.seeds,
        "rows": [{"variant": visible(row.variant), "family": visible(row.family)} for row in section.rows],
        "columns": [_column(column) for column in section.columns],
        "scores": [
            [_scores(row.cells[index], section.seeds) for row in section.rows] for index in range(len(section.columns))
        ],
        "verdicts": [_verdicts(column, variants) for column in section.columns],
        "halves": [_halves(column, variants) for column in section.columns],
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


def _halves(column: ColumnView, variants: list[str]) -> list[list[float | None]]:
    """Return half the width of the interval of each row's difference to each earlier row."""
    compared = column.comparisons
    if compared is None:
        return []
    places = {name: place for place, name in enumerate(compared.names)}
    widths = compared.half_widths

    def half(one: str, other: str) -> float | None:
        known = one in places and other in places and np.isfinite(widths[places[one], places[other]])
        return float(f"{widths[places[one], places[other]]:.3g}") if known else None

    return [[half(name, other) for other in variants[:place]] for place, name in enumerate(variants)]


def _verdicts(column: ColumnView, variants: list[str]) -> list[str]:
    """Return a string per reference row, with one character per row."""
    compared = column.comparisons
    if compared is None:
        return [Verdict.UNKNOWN * len(variants)] * len(variants)
    lines = {}
    for index, name in enumerate(compared.names):
        found = dict(zip(compared.names, compared.verdicts(index), strict=True))
        lines[name] = "".join(found.get(other, Verdict.UNKNOWN) for other in variants)
    return [lines.get(one, Verdict.UNKNOWN * len(variants)) for one in variants]


def choices(site: Site) -> dict[str, Any]:
    """Return the options of the controls, each in the order of the page."""
    sections = site.sections
    columns = [column for section in sections for column in section.columns]
    rows = [row for section in sections for row in section.rows]
    lists = {
        "variant": (row.variant for row in rows),
        "suite": (column.group for column in columns),
        "column": (column.name for column in columns),
        "family": sorted(row.family for row in rows),
        "status": sorted({seed.status for row in rows for cell in row.cells for seed in cell.seeds} - {"incomplete"}),
        **{name: (getattr(section, name) for section in sections) for name in ("tier", "recipe", "device")},
    }
    options = {name: list(dict.fromkeys(values)) for name, values in lists.items()}
    return options | {"published": any(section.published for section in sections)}
