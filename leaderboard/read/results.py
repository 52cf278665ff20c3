"""Result folders: records, cards and bench reports of one or more folders, merged."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from ...harness.errors import UserError
from ...harness.records.bench_report import BenchReport
from ...harness.records.cards import ModelCard, TaskCard
from ...harness.records.record import Record
from ...harness.records.row_scores import RowScores
from ...harness.records.samples import SampleCard
from ...harness.records.store import Card, ResultStore
from .bench_reports import read_bench_reports, report_files


@dataclass(frozen=True)
class Results:
    """The inputs of a site.

    Attributes
    ----------
    tasks, samples
        Cards by task and tier.
    folders
        The results folder of each record, by key.
    notes
        One sentence per conflict between the folders.
    """

    records: tuple[Record, ...]
    models: Mapping[str, ModelCard] = field(default_factory=dict)
    tasks: Mapping[tuple[str, str], TaskCard] = field(default_factory=dict)
    samples: Mapping[tuple[str, str], SampleCard] = field(default_factory=dict)
    folders: Mapping[str, Path] = field(default_factory=dict)
    bench_reports: tuple[BenchReport, ...] = ()
    notes: tuple[str, ...] = ()

    def task(self, record: Record) -> TaskCard:
        """Return the card of the record's task, or an empty card."""
        name, tier = record.cell.task, record.cell.tier
        return self.tasks.get((name, tier)) or TaskCard(task=name, tier=tier, reduced=record.data.reduced)

    @cached_property
    def by_key(self) -> Mapping[str, Record]:
        return {record.key: record for record in self.records}

    def row_scores(self, key: str) -> RowScores:
        """Return the scores per row of a record: none if it has none, or if they are missing or were changed."""
        kept, folder = self.by_key[key].row_scores, self.folders.get(key)
        if kept is None or folder is None:
            return RowScores()
        try:
            return RowScores.read(kept, folder)
        except UserError:
            return RowScores()

    def model(self, name: str) -> ModelCard:
        """Return the card of a model, or an empty card."""
        return self.models.get(name) or ModelCard(name=name)


def read_results(folders: Sequence[Path]) -> Results:
    """Read result folders. Records and cards that several folders share are kept once.

    Raises
    ------
    UserError
        If a folder contains neither records nor bench reports, or none of its records can be read.
    """
    stores = [ResultStore(folder) for folder in folders]
    _check(stores)
    located = [(record, store.folder) for store in stores for record in store.read()]
    if not located:
        raise UserError(f"None of the records in {', '.join(map(str, folders))} can be read.")
    records, notes = merge_records(record for record, _ in located)
    folder_of = {id(record): folder for record, folder in located}
    models, model_notes = _merge_cards(card for store in stores for card in store.cards(ModelCard))
    tasks, task_notes = _merge_cards(card for store in stores for card in store.cards(TaskCard))
    samples, _ = _merge_cards(card for store in stores for card in store.cards(SampleCard))
    return Results(
        records=tuple(records),
        models={card.name: card for card in models},
        tasks={(card.task, card.tier): card for card in tasks},
        samples={(card.task, card.tier): card for card in samples},
        folders={record.key: folder_of[id(record)] for record in records},
        bench_reports=read_bench_reports(folders),
        notes=(*notes, *model_notes, *task_notes),
    )


def _check(stores: Sequence[ResultStore]) -> None:
    for store in stores:
        if store.folder.is_file():
            raise UserError(f"{store.folder} is a file, not a results folder. Pass the folder that contains it.")
        if not store.record_files() and not report_files(store.folder):
            raise UserError(f"There are no records in {store.folder}. Run `archarena run --results {store.folder}`.")
    if not any(store.record_files() for store in stores):
        raise UserError("Only reports of `archarena bench` were found. Pass a results folder of `archarena run` too.")


def merge_records(records: Iterable[Record]) -> tuple[list[Record], list[str]]:
    """Return one record per key, and one sentence per key with differing records.

    A successful record wins over a failed one; otherwise the newer record wins.
    """
    kept: dict[str, Record] = {}
    notes: list[str] = []
    for record in records:
        known = kept.setdefault(record.key, record)
        if known != record:
            kept[record.key] = max(known, record, key=lambda one: (one.status == "ok", one.is_final, one.order))
            chosen, cell = kept[record.key], record.cell
            notes.append(
                f"{cell.variant} on {cell.task} ({cell.tier}, seed {cell.seed}) was run more than once with the same "
                f"key {record.short_key}. The pages show the run started {chosen.started or 'at an unknown time'} "
                f"with status {chosen.status}."
            )
    return list(kept.values()), notes


def _merge_cards(cards: Iterable[Card]) -> tuple[list[Card], list[str]]:
    """Return the first card of each identity, and one sentence per identity with differing cards."""
    kept: dict[tuple[str, ...], Card] = {}
    notes: list[str] = []
    for card in cards:
        if kept.setdefault(card.identity, card) != card:
            notes.append(
                f"The results folders describe {' at tier '.join(card.identity)} differently; "
                "the pages show the first description."
            )
    return list(kept.values()), list(dict.fromkeys(notes))
