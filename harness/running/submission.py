"""Pack a submission: one zip file with a plugin, its cards, its records and their predictions."""

from __future__ import annotations

import os
import zipfile
from collections.abc import Sequence
from pathlib import Path

from ..contract.scan import Entry
from ..errors import UserError
from ..files import replacing
from ..planning.imports import own_sources
from ..planning.source_hash import source_hash
from ..records.cards import ModelCard, TaskCard
from ..records.record import Record
from ..records.store import ResultStore


def records_of(entries: Sequence[Entry], results: Path) -> tuple[list[Record], int]:
    """Return a plugin's records, and the number of records from other versions of its source.

    Raises
    ------
    UserError
        If there are none from its current source.
    """
    store = ResultStore(results)
    ours = [record for record in store.read() if any(_is_of(record, entry) for entry in entries)]
    fresh = [record for record in ours if any(_is_of(record, entry) and _is_fresh(record, entry) for entry in entries)]
    if not fresh:
        if ours:
            raise UserError(
                "All records were made by a different version of this plugin; run it again before submitting."
            )
        raise UserError(f"{results} has no records of this plugin; run it before submitting.")
    return fresh, len(ours) - len(fresh)


def pack(entries: Sequence[Entry], results: Path, records: Sequence[Record], output: Path) -> None:
    """Write the zip file, laid out like a results folder, with the plugin and its model cards in ``plugin/``.

    Modules of its own project that the plugin imports are packed too, in the same places relative to it.

    Raises
    ------
    UserError
        If a record names a file outside the results folder, or one that does not match it, or if the zip
        file cannot be written. No zip file is left then.
    """
    store = ResultStore(results)
    files = [store.path_of(record) for record in records]
    for artifact in (file for record in records for file in (record.predictions, record.row_scores) if file):
        artifact.read(results)  # raises an error for a file outside the folder
        files.append(results / artifact.file)
    files += {store.path_of_card(ModelCard, record.cell.model) for record in records}
    files += {store.path_of_card(TaskCard, record.cell.task, record.cell.tier) for record in records}
    cards = [entry.file.parent / "cards" / f"{entry.name}.toml" for entry in entries if entry.kind == "model"]
    found = [own_sources(entry) for entry in entries]
    root = Path(os.path.commonpath([place for place, _ in found]))
    sources = {source for _, files in found for source in files}
    packed = {f"plugin/{file.relative_to(root)}": file for file in sorted({*cards, *sources})}
    for file in sorted(file for file in files if file.is_file()):
        if not file.resolve().is_relative_to(results.resolve()):
            raise UserError(f"{file} is a link out of the results folder, so it is not packed.")
        packed[str(file.relative_to(results))] = file
    try:
        with replacing(output) as unfinished, zipfile.ZipFile(unfinished, "w", zipfile.ZIP_DEFLATED) as archive:
            for name, file in packed.items():
                if file.is_file():
                    archive.write(file, name)
    except (OSError, ValueError) as error:
        raise UserError(f"Cannot write {output}: {error}.") from error


def _is_of(record: Record, entry: Entry) -> bool:
    return entry.name == (record.cell.model if entry.kind == "model" else record.cell.task)


def _is_fresh(record: Record, entry: Entry) -> bool:
    return record.key_parts.get(f"{entry.kind}_source") == source_hash(entry)
