"""Cards of a results folder: descriptions of its models and tasks, for the pages and for reading its records."""

from __future__ import annotations

from typing import Any, ClassVar, Literal

from pydantic import AliasChoices, BaseModel, Field

from ..contract.metrics import Direction
from .record import Number


class RecipeCard(BaseModel):
    """A published recipe of a model for one task."""

    citation: str = Field("", validation_alias=AliasChoices("citation", "source"))
    width: int | None = None
    depth: int | None = None
    steps: int | None = None
    epochs: int | None = None
    batch: int | None = None
    hyperparameters: dict[str, Any] = {}
    recipe: dict[str, Any] = {}


class ModelCard(BaseModel):
    """A model."""

    folder: ClassVar = "models"

    name: str
    summary: str = ""
    paper: str = ""
    family: str = ""
    origin: str = ""
    description: str = ""
    multiplies: str = ""
    equation: str = ""
    deviations: list[str] = []
    strengths: str = ""
    published: dict[str, RecipeCard] = {}

    @property
    def identity(self) -> tuple[str, ...]:
        """Return the name, which is unique among model cards."""
        return (self.name,)


class EvaluationCard(BaseModel):
    """One evaluation of a task, which is one column of the table.

    `companion_of` is a column; `margin` and `solved` are those of `archarena.harness.contract.evaluation.Evaluation`.
    """

    column: str
    metric: str
    direction: Direction
    unit: str = ""
    summary: str = ""
    companion_of: str | None = None
    margin: Number | None = None
    solved: Number | None = None


class ReferenceCard(BaseModel):
    """A reference score of a column: chance, a baseline, or a ceiling."""

    column: str
    name: str
    value: Number
    kind: Literal["chance", "baseline", "ceiling"]
    summary: str = ""


class DataSourceCard(BaseModel):
    """A data set that a task requires."""

    name: str
    summary: str = ""
    license: str = Field(default="", validation_alias=AliasChoices("license", "licence"))


class TaskCard(BaseModel):
    """A task at one tier.

    Attributes
    ----------
    plateau
        Whether scores rise suddenly after a long plateau.
    spec
        The specification as JSON values, empty if the data could not be prepared.
    """

    folder: ClassVar = "tasks"

    task: str
    tier: str
    summary: str = ""
    suites: list[str] = []
    reduced: bool = False
    evaluations: list[EvaluationCard] = []
    reference_scores: list[ReferenceCard] = Field(
        default=[], validation_alias=AliasChoices("reference_scores", "levels")
    )
    plateau: bool = False
    rows: dict[str, int] = {}
    needs: list[str] = []
    duplicates: str = ""
    spec: dict[str, Any] = {}
    data_sources: list[DataSourceCard] = Field(default=[], validation_alias=AliasChoices("data_sources", "sources"))

    @property
    def identity(self) -> tuple[str, ...]:
        """Return the task and the tier, which are unique among task cards."""
        return self.task, self.tier

    def evaluation(self, column: str) -> EvaluationCard | None:
        return next((found for found in self.evaluations if found.column == column), None)

    def bounds(self, column: str) -> tuple[float | None, float | None]:
        """Return the chance score and the ceiling of a column, each None if unknown."""
        known = {score.kind: score.value for score in reversed(self.references(column))}
        return known.get("chance"), known.get("ceiling")

    def references(self, column: str) -> list[ReferenceCard]:
        """Return the reference scores of a column: chance, then baselines, then the ceiling."""
        kinds = ("chance", "baseline", "ceiling")
        own = (score for score in self.reference_scores if score.column == column)
        return sorted(own, key=lambda score: kinds.index(score.kind))
