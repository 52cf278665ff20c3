"""What tables of scores are made of, on the index and on the pages of models and tasks."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import groupby

from .costs import CostTable
from .formats import ScoreFormat
from .rows import Row
from .sources import EvaluationCard, LevelCard, ModelCard, TaskCard
from .statistics import MIN_SEEDS, Comparisons


@dataclass(frozen=True)
class SeedView:
    """One seed of a cell, leading to its run."""

    seed: int
    status: str
    text: str
    value: float | None
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
    value: float | None = None
    standing: str = ""
    level: str = ""
    shortfall: str = ""

    @property
    def failure(self) -> SeedView | None:
        """Return the first seed without a score."""
        return next((seed for seed in self.seeds if not seed.ok), None)


@dataclass(frozen=True)
class PublishedView:
    """A value from a paper in one column."""

    text: str
    source: str
    protocol: str
    caveat: str


@dataclass(frozen=True)
class ColumnView:
    """One evaluation, or an average over several.

    Attributes
    ----------
    group
        The suite it stands under.
    page
        Of its task; empty for an average.
    comparisons
        Its rows against each other; None where none has a score.
    """

    name: str
    group: str
    task: TaskCard
    evaluation: EvaluationCard
    format: ScoreFormat
    page: str
    comparisons: Comparisons | None = None

    @property
    def is_average(self) -> bool:
        """Return whether it is an average over other columns."""
        return not self.page

    def levels(self, kind: str) -> list[LevelCard]:
        """Return the column's levels of one kind."""
        return [level for level in self.task.levels_of(self.name) if level.kind == kind]


@dataclass(frozen=True)
class RowView:
    """One variant.

    Attributes
    ----------
    ahead
        In how many columns it is the best or cannot be told from it.
    lifts
        Each lift with the tasks it was used on.
    """

    variant: str
    model: ModelCard
    page: str
    family: str
    colour: str
    cells: tuple[CellView, ...]
    lifts: tuple[tuple[str, tuple[str, ...]], ...]
    ahead: int
    ok: int
    total: int


@dataclass(frozen=True)
class LevelRow:
    """One line below the models: for each column the levels it shows."""

    kind: str
    cells: tuple[tuple[LevelCard, ...], ...]


@dataclass(frozen=True)
class PublishedRow:
    """One line of values from papers."""

    variant: str
    cells: tuple[tuple[PublishedView, ...], ...]


@dataclass(frozen=True)
class SectionView:
    """All that was run at one tier, by one recipe, on one device."""

    id: str
    tier: str
    recipe: str
    device: str
    protocol: str
    seeds: tuple[int, ...]
    dates: str
    columns: tuple[ColumnView, ...]
    rows: tuple[RowView, ...]
    levels: tuple[LevelRow, ...]
    published: tuple[PublishedRow, ...]
    costs: CostTable
    unfinished: tuple[Row, ...]
    ok: int
    total: int

    @property
    def groups(self) -> list[tuple[str, int]]:
        """Return the groups over the columns, each with its width."""
        return [(group, len(list(columns))) for group, columns in groupby(self.columns, lambda column: column.group)]

    @property
    def has_ties(self) -> bool:
        """Return whether enough seeds were run for rows to be compared."""
        return len(self.seeds) >= MIN_SEEDS

    @property
    def scored(self) -> int:
        """Return how many columns are scores, not averages."""
        return sum(not column.is_average for column in self.columns)
