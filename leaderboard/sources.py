"""Records and cards of one or more results folders, merged."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, TypeVar

from pydantic import BaseModel, ValidationError

from ..harness.errors import UserError
from ..harness.records.record import Record
from ..harness.records.store import ResultStore
from .benches import Bench, read_benches
from .formats import plain

OTHER = "other tasks"
"""The suite of tasks that belong to none."""


class RecipeCard(BaseModel):
    """How a paper trained its model on one task."""

    source: str = ""
    width: int | None = None
    depth: int | None = None
    steps: int | None = None
    epochs: int | None = None
    batch: int | None = None
    hyperparameters: dict[str, Any] = {}
    recipe: dict[str, Any] = {}

    @property
    def line(self) -> str:
        """Return it as text: size, length, settings, source."""
        length = f"{plain(self.steps)} steps" if self.epochs is None else f"{self.epochs} epochs"
        settings = {name: value for name, value in {**self.hyperparameters, **self.recipe}.items() if name != "name"}
        told = plain({name.replace("_", " "): value for name, value in settings.items()})
        size = f"width {plain(self.width)}, depth {plain(self.depth)}"
        return f"{size}; {length} of {plain(self.batch)} rows; {told}. {self.source}"


class ModelCard(BaseModel):
    """What a page needs to know of a model."""

    name: str
    summary: str = ""
    paper: str = ""
    family: str = ""
    origin: str = ""
    description: str = ""
    multiplies: str = ""
    deviations: list[str] = []
    strengths: str = ""
    published: dict[str, RecipeCard] = {}


class EvaluationCard(BaseModel):
    """One column of a task."""

    column: str
    metric: str
    direction: Literal["higher", "lower"]
    unit: str = ""
    summary: str = ""
    chance: float | None = None
    ceiling: float | None = None


class LevelCard(BaseModel):
    """A score without a trained model: what chance, a simple rule or a perfect answer reaches."""

    column: str
    name: str
    value: float
    kind: Literal["chance", "baseline", "ceiling"]
    summary: str = ""


class TaskCard(BaseModel):
    """What a page needs to know of a task at one tier."""

    task: str
    tier: str
    summary: str = ""
    suites: list[str] = []
    reduced: bool = False
    evaluations: list[EvaluationCard] = []
    levels: list[LevelCard] = []
    rows: dict[str, int] = {}
    needs: list[str] = []
    spec: dict[str, Any] = {}
    sources: list[dict[str, str]] = []

    @property
    def suite(self) -> str:
        """Return the suite the task is shown under: the first that is more than a selection."""
        return next((suite for suite in self.suites if suite != "quick"), OTHER)

    def evaluation(self, column: str) -> EvaluationCard | None:
        """Return the evaluation that is shown as `column`."""
        return next((found for found in self.evaluations if found.column == column), None)

    def bounds(self, column: str) -> tuple[float | None, float | None]:
        """Return chance and ceiling of a column, each None where it is not known."""
        evaluation = self.evaluation(column)
        known = {level.kind: level.value for level in reversed(self.levels_of(column))}
        declared = (evaluation.chance, evaluation.ceiling) if evaluation else (None, None)
        return known.get("chance", declared[0]), known.get("ceiling", declared[1])

    def levels_of(self, column: str) -> list[LevelCard]:
        """Return the levels of a column, from low kind to high."""
        kinds = ("chance", "baseline", "ceiling")
        return sorted((level for level in self.levels if level.column == column), key=lambda x: kinds.index(x.kind))


@dataclass(frozen=True)
class Sources:
    """All that a board is made from.

    Attributes
    ----------
    tasks
        Cards by task and tier.
    folders
        By key, the results folder that a record was read from.
    notes
        One sentence for each thing a reader must know about how the folders were merged.
    """

    records: tuple[Record, ...]
    models: Mapping[str, ModelCard] = field(default_factory=dict)
    tasks: Mapping[tuple[str, str], TaskCard] = field(default_factory=dict)
    folders: Mapping[str, Path] = field(default_factory=dict)
    benches: tuple[Bench, ...] = ()
    notes: tuple[str, ...] = ()

    def task(self, record: Record) -> TaskCard:
        """Return the card of the record's task, or an empty one."""
        name, tier = record.cell.task, record.cell.tier
        return self.tasks.get((name, tier)) or TaskCard(task=name, tier=tier, reduced=record.data.reduced)

    def model(self, name: str) -> ModelCard:
        """Return a model's card, or an empty one."""
        return self.models.get(name) or ModelCard(name=name)


def read_sources(folders: Sequence[Path]) -> Sources:
    """Read results folders; what two of them share is kept once.

    Raises
    ------
    UserError
        If a folder holds neither records nor reports of ``archarena bench``, or a file in it cannot be read.
    """
    stores = [ResultStore(folder) for folder in folders]
    _check(stores)
    located = [(record, store.folder) for store in stores for record in store.read()]
    records, notes = merge_records(record for record, _ in located)
    folder_of = {id(record): folder for record, folder in located}
    models, model_notes = _merge_cards(
        (card for store in stores for card in _cards(store, "models", ModelCard)), "name"
    )
    tasks, task_notes = _merge_cards(
        (card for store in stores for card in _cards(store, "tasks", TaskCard)), "task", "tier"
    )
    by_name = {name: card for (name,), card in models.items()}
    by_key = {record.key: folder_of[id(record)] for record in records}
    return Sources(tuple(records), by_name, tasks, by_key, read_benches(folders), (*notes, *model_notes, *task_notes))


def _check(stores: Sequence[ResultStore]) -> None:
    """Refuse folders that nothing can be made from."""
    for store in stores:
        if store.folder.is_file():
            raise UserError(f"{store.folder} is a file, not a results folder: name the folder that it lies in.")
        if not store.record_files() and not read_benches([store.folder]):
            raise UserError(f"There are no records in {store.folder}: run `archarena run --results {store.folder}`.")
    if not any(store.record_files() for store in stores):
        raise UserError("Only reports of `archarena bench` were found: name a results folder of `archarena run` too.")


def merge_records(records: Iterable[Record]) -> tuple[list[Record], list[str]]:
    """Return one record a key, and a sentence for each key whose records differ.

    A result is kept before a failure, and the newer of two alike.
    """
    kept: dict[str, Record] = {}
    notes: list[str] = []
    for record in records:
        known = kept.setdefault(record.key, record)
        if known != record:
            kept[record.key] = max(known, record, key=lambda one: (one.status == "ok", one.is_final, one.started))
            chosen, cell = kept[record.key], record.cell
            notes.append(
                f"{cell.variant} on {cell.task} ({cell.tier}, seed {cell.seed}) was run more than once with the same "
                f"key {record.short_key}; shown is the run started {chosen.started or 'at an unknown time'} "
                f"with status {chosen.status}."
            )
    return list(kept.values()), notes


_Card = TypeVar("_Card", bound=BaseModel)


def _cards(store: ResultStore, kind: Literal["models", "tasks"], cls: type[_Card]) -> list[_Card]:
    try:
        return [cls.model_validate(card) for card in store.cards(kind)]
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"]))
        raise UserError(f"A card in {store.folder / 'cards' / kind} is not valid: {place}: {first['msg']}.") from None


def _merge_cards(cards: Iterable[_Card], *names: str) -> tuple[dict[Any, _Card], list[str]]:
    kept: dict[Any, _Card] = {}
    notes: list[str] = []
    for card in cards:
        identity = tuple(getattr(card, name) for name in names)
        if kept.setdefault(identity, card) != card:
            notes.append(f"The results folders describe {' at tier '.join(identity)} differently; the first is shown.")
    return kept, list(dict.fromkeys(notes))
