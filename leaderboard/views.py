"""What the index page is made of."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import groupby

from .costs import CostRow
from .formats import ScoreFormat
from .sources import EvaluationCard, LevelCard, ModelCard, TaskCard
from .statistics import MIN_SEEDS
from .table import Row


@dataclass(frozen=True)
class SeedView:
    """One seed of a cell, leading to its run."""

    seed: int
    status: str
    text: str
    reason: str
    page: str

    @property
    def ok(self) -> bool:
        """Return whether the seed has a score."""
        return self.status == "ok"


@dataclass(frozen=True)
class CellView:
    """One variant in one column. `mean` is empty where no seed has a score."""

    seeds: tuple[SeedView, ...] = ()
    mean: str = ""
    half_width: str = ""
    standing: str = ""
    level: str = ""
    shortfall: str = ""

    @property
    def failure(self) -> SeedView | None:
        """Return the first seed without a score."""
        return next((seed for seed in self.seeds if not seed.ok), None)


@dataclass(frozen=True)
class ColumnView:
    """One evaluation. `id` names its description on the page."""

    id: str
    name: str
    suite: str
    task: TaskCard
    evaluation: EvaluationCard
    format: ScoreFormat

    def levels(self, kind: str) -> list[LevelCard]:
        """Return the column's levels of one kind."""
        return [level for level in self.task.levels_of(self.name) if level.kind == kind]


@dataclass(frozen=True)
class RowView:
    """One variant."""

    variant: str
    model: ModelCard
    family: str
    colour: str
    cells: tuple[CellView, ...]
    lifts: tuple[tuple[str, tuple[str, ...]], ...]
    ok: int
    total: int


@dataclass(frozen=True)
class LevelRow:
    """One line below the models: for each column the levels it shows."""

    kind: str
    cells: tuple[tuple[LevelCard, ...], ...]


@dataclass(frozen=True)
class SectionView:
    """All that was run at one tier, by one recipe, on one device."""

    id: str
    tier: str
    recipe: str
    device: str
    protocol: str
    seeds: int
    dates: str
    columns: tuple[ColumnView, ...]
    rows: tuple[RowView, ...]
    levels: tuple[LevelRow, ...]
    costs: tuple[CostRow, ...]
    unfinished: tuple[Row, ...]
    ok: int
    total: int

    @property
    def suites(self) -> list[tuple[str, int]]:
        """Return the suites over the columns, each with its width."""
        return [(suite, len(list(columns))) for suite, columns in groupby(self.columns, lambda column: column.suite)]

    @property
    def has_ties(self) -> bool:
        """Return whether enough seeds were run for rows to be compared."""
        return self.seeds >= MIN_SEEDS
