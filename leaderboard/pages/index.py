"""The index page: charts of a section, data for the page's scripts, and the choices of the controls."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Any

import numpy as np

from ..charts.cost import CostCharts, cost_charts
from ..charts.drawing import Chart
from ..charts.quality import quality_chart
from ..charts.ranking import RankChart, rank_chart
from ..charts.state import state_chart
from ..charts.trade_off import trade_off_chart
from ..formats import NONE, visible
from ..table.columns import CellView, ColumnView
from ..table.costs import size_range, typical
from ..table.findings import Finding, findings
from ..table.rows import SECTION, group_by
from ..table.scales import Scale, column_scale
from ..table.sections import SectionView
from ..table.statistics import Verdict
from ..table.wins import Wins, wins
from .site import Site


def section_charts(section: SectionView, site: Site) -> Iterator[Chart]:
    """Yield the charts that the results of a section allow."""
    scores = site.scores_of(section)
    tasks = [column.task.task for column in section.first_columns.values()]
    records = [record for task in tasks for record in site.records_of(section, task)]
    charts = (
        quality_chart(section, scores, site.colors),
        state_chart(f"{section.id}-state", scores, site.colors),
        trade_off_chart(f"{section.id}-trade-off", records, site.families, site.colors),
    )
    yield from filter(None, charts)


@dataclass(frozen=True)
class ScoreTable:
    """A table of scores: some columns of a section, with what its cells need.

    Attributes
    ----------
    name
        Names the part of the section: "scores", "companions" or "folded".
    scales
        The scale of each column; None if it has no reference score.
    starts
        Indices of the first columns of suites.
    seconds
        Median training time over tasks, by variant.
    """

    name: str
    section: SectionView
    scales: tuple[Scale | None, ...]
    starts: frozenset[int]
    seconds: Mapping[str, float | None]
    all_reduced: bool

    @property
    def lead(self) -> int:
        """Return the number of cells of a row before its scores."""
        return 2 + self.section.compares + (self.section.ok < self.section.total)

    @property
    def marks(self) -> frozenset[str]:
        """Return the marks of its cells, for the legend."""
        cells = [cell for row in self.section.rows for cell in row.cells]
        found = {name for name in ("not_beaten", "lift", "stale") if any(getattr(cell, name) for cell in cells)}
        found |= {"improving"} if self.section.compares and any(cell.finish == "improving" for cell in cells) else set()
        found |= {"undecided"} if any(cell.standing == "undecided" for cell in cells) else set()
        found |= {"tied"} if any(cell.standing == "tied" for cell in cells) else set()
        if not self.all_reduced and any(column.task.reduced for column in self.section.columns):
            found.add("reduced")
        return frozenset(found)


@dataclass(frozen=True)
class SectionTable:
    """What the index shows of a section; `size` is the range of the number of body parameters."""

    section: SectionView
    main: ScoreTable
    companions: ScoreTable
    folded: ScoreTable
    size: str
    findings: Sequence[Finding]
    costs: CostCharts | None
    wins: Wins | None
    ranks: RankChart | None


def section_table(section: SectionView, site: Site) -> SectionTable:
    """Return what the index shows of a section."""
    cells = site.scores_of(section)
    by_variant = {variant: own for (variant,), own in group_by(cells, "variant").items()}
    seconds = {variant: typical(own, "train_seconds") for variant, own in by_variant.items()}
    size = size_range(cells)
    return SectionTable(
        section=section,
        main=_score_table("scores", section.main, seconds),
        companions=_score_table("companions", section.companions, seconds),
        folded=_score_table("folded", section.folded, seconds),
        size="" if size == NONE else size,
        findings=findings(section, cells),
        costs=cost_charts(section, cells),
        wins=wins(section),
        ranks=rank_chart(section),
    )


def _score_table(name: str, part: SectionView, seconds: Mapping[str, float | None]) -> ScoreTable:
    return ScoreTable(
        name=name,
        section=part,
        scales=tuple(column_scale(column) for column in part.columns),
        starts=frozenset(accumulate((width for _, width in part.groups), initial=0)),
        seconds=seconds,
        all_reduced=all(column.task.reduced for column in part.columns if not column.is_average),
    )


def section_payload(table: ScoreTable) -> dict[str, Any]:
    """Return the data of a section for the page's scripts as JSON values, in the order of its rows and columns.

    Notes
    -----
    ``scores[column][row][seed]`` is a number, the status of a run without a score, or null if there was no
    run. ``verdicts[column][reference][row]`` is a character of `Verdict`. ``halves[column][row][other]``, for rows
    after `other`, is half the width of the interval of their difference, or null.
    """
    section = table.section
    variants = [row.variant for row in section.rows]
    return {
        **{name: visible(getattr(section, name)) for name in ("id", *SECTION)},
        "seeds": section.seeds,
        "rows": [
            {
                "variant": visible(row.variant),
                "family": visible(row.family),
                "cells_ok": row.ok,
                "ahead": row.ahead,
                "seconds": table.seconds[row.variant],
            }
            for row in section.rows
        ],
        "columns": [column_payload(column) for column in section.columns],
        "scores": [
            [_scores(row.cells[index], section.seeds) for row in section.rows] for index in range(len(section.columns))
        ],
        "verdicts": [column_verdicts(column, variants) for column in section.columns],
        "halves": [_halves(column, variants) for column in section.columns],
    }


def column_payload(column: ColumnView) -> dict[str, Any]:
    """Return the description of a column for scripts."""
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


def column_verdicts(column: ColumnView, variants: list[str]) -> list[str]:
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
    columns = [column for section in sections for column in section.main.columns]
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
