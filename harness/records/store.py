"""The results folder.

Its layout::

    records/TASK/VARIANT-sSEED-KEY.json     one record per cell
    predictions/KEY.safetensors             test predictions, written before the record
    weights/KEY.safetensors                 the trained model, if requested
    rows/KEY.safetensors.z                  scores per test row, compressed (`archarena.harness.records.row_scores`)
    cards/models/NAME.json                  model information for pages
    cards/tasks/TASK-TIER.json              task information for pages, including reference scores
    cards/samples/TASK-TIER.json            sample test rows for pages, if they may be republished
    work/                                   running trials and prepared arrays; may be deleted
    forgotten/                              records taken away by `archarena forget`, and its log
    set-aside/                              records that cannot be read, moved here by a run
    .archarena                              marks the folder as written by a run

A record contains a checksum of its content, and its key is the hash of the key's parts; both are verified when
it is read.

Every file is written atomically. A record is written last, so that the files it names exist.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from ..errors import UserError
from ..files import slug, write_atomically, write_json
from ..text import shortened, visible
from .cards import ModelCard, TaskCard
from .hashes import canonical_hash
from .left_out import say_left_out
from .record import SCHEMA, CellInfo, Record, milliseconds
from .samples import SampleCard

SET_ASIDE, FORGOTTEN, WORK, MARKER = "set-aside", "forgotten", "work", ".archarena"
"""Names in a results folder: records that cannot be read, records taken off the board, running trials with prepared
arrays, and the marker file."""

DEEPEST = 100
"""Levels of nesting of a file that can be read; pydantic cannot write more than about 250."""

AnyCard = ModelCard | TaskCard | SampleCard
Card = TypeVar("Card", ModelCard, TaskCard, SampleCard)
Content = TypeVar("Content", bound=BaseModel)


def _from_schema_1(data: dict[str, Any]) -> dict[str, Any]:
    """Rename the fields `tries`, `near_equals` and `size.budget`."""
    data = {_RENAMED_IN_2.get(name, name): value for name, value in data.items()}
    if isinstance(data.get("size"), dict) and "budget" in data["size"]:
        data["size"] = {"target_parameters" if name == "budget" else name: v for name, v in data["size"].items()}
    return {**data, "schema": 2}


_RENAMED_IN_2 = {"tries": "attempts", "near_equals": "multiplicity"}


def _from_schema_2(data: dict[str, Any]) -> dict[str, Any]:
    """Order a record by its start: those of this schema contain neither their order nor a checksum."""
    return {**data, "schema": 3, "written": milliseconds(str(data.get("started", "")))}


def _from_schema_3(data: dict[str, Any]) -> dict[str, Any]:
    """Change nothing: scores per row are optional."""
    return {**data, "schema": 4}


MIGRATIONS: dict[int, Callable[[dict[str, Any]], dict[str, Any]]] = {
    1: _from_schema_1,
    2: _from_schema_2,
    3: _from_schema_3,
}
"""Migrations by their starting schema: each turns a record of schema N into one of schema N + 1."""


class CorruptRecordError(UserError):
    """A file in the records folder is not a record, or its content was changed."""


class ResultStore:
    """Reads and writes the records and cards of a results folder."""

    def __init__(self, folder: Path):
        self.folder = folder
        self._latest: int | None = None
        self._reported: set[Path] = set()

    def path_of(self, record: Record) -> Path:
        return self.path(record.cell, record.key)

    def path(self, cell: CellInfo, key: str) -> Path:
        """Return where the record of a cell with this key is."""
        name = f"{slug(cell.variant)[:120]}-s{cell.seed}-{slug(key[:12])}.json"
        return self.folder / "records" / slug(cell.task) / name

    def write(self, record: Record) -> Path:
        """Write a record, replacing an earlier one of the same cell and key; set its order and checksum."""
        record.written = record.written or self._next_order()
        content = record.model_dump(mode="json", by_alias=True, exclude={"checksum"})
        record.checksum = canonical_hash(content)
        path = self.path_of(record)
        write_json(path, content | {"checksum": record.checksum})
        return path

    def _next_order(self) -> int:
        """Return the time in milliseconds, or one more than the latest record's if the clock was set back."""
        if self._latest is None:
            self._latest = max(map(_order, self.record_files()), default=0)
        self._latest = max(self._latest + 1, time.time_ns() // 10**6)
        return self._latest

    def read(self) -> Iterator[Record]:
        """Yield all records that can be read, sorted by path, and print one line per other file."""
        for path in self.record_files():
            record = self._read(path)
            if isinstance(record, Record):
                yield record
            elif path not in self._reported:
                self._reported.add(path)
                corrupt = isinstance(record, CorruptRecordError)
                then = f" The next run moves it to {SET_ASIDE}/ and runs its cell again." if corrupt else ""
                say_left_out(f"{record}{then}")

    def _read(self, path: Path) -> Record | UserError:
        try:
            return read_record(path)
        except UserError as error:
            return error

    def unreadable(self) -> list[Path]:
        """Return the files that are not a record or have a newer schema, including those set aside."""
        files = [path for path in self.record_files() if not isinstance(self._read(path), Record)]
        return [*files, *sorted((self.folder / SET_ASIDE).glob("*/*"))]

    def set_aside(self) -> list[str]:
        """Move files that are not a record to ``set-aside/``, and return one sentence per file.

        A run does this, because it may write another record of that name.

        Raises `UserError` for a record with a newer schema, which a run could replace by an older one.
        """
        notes = []
        for path in self.record_files():
            record = self._read(path)
            if isinstance(record, Record):
                continue
            if not isinstance(record, CorruptRecordError):
                raise record
            target = self.folder / SET_ASIDE / path.relative_to(self.folder / "records")
            target.parent.mkdir(parents=True, exist_ok=True)
            number = 1
            while os.path.lexists(target):
                number += 1
                target = target.with_name(f"{path.stem}.{number}{path.suffix}")
            path.rename(target)
            notes.append(f"Moved to {target}: {record}")
        return notes

    def record_files(self) -> list[Path]:
        return sorted((self.folder / "records").glob("*/*.json"))

    def forgotten(self) -> Iterator[Record]:
        """Yield the records that `archarena forget` took away and that can be read."""
        for path in sorted((self.folder / FORGOTTEN).glob("*/*.json")):
            record = self._read(path)
            if isinstance(record, Record):
                yield record

    def forget(self, record: Record, name: str, reason: str) -> None:
        """Move a record to ``forgotten/`` and log it; `name` is that of its cell."""
        self._move(record, "records", FORGOTTEN, " ".join(filter(None, ("forgot", name, record.short_key, reason))))

    def restore(self, record: Record, name: str) -> None:
        """Move a forgotten record back and log it; raise `UserError` if its cell has been run again."""
        if self.path_of(record).exists():
            raise UserError(f"{name} was run again since it was forgotten: forget that record first.")
        self._move(record, FORGOTTEN, "records", f"restored {name} {record.short_key}")

    def _move(self, record: Record, origin: str, target: str, line: str) -> None:
        place = self.path_of(record).relative_to(self.folder / "records")
        (self.folder / target / place).parent.mkdir(parents=True, exist_ok=True)
        (self.folder / origin / place).replace(self.folder / target / place)
        (self.folder / FORGOTTEN).mkdir(exist_ok=True)
        with (self.folder / FORGOTTEN / "log.txt").open("a", encoding="utf-8") as log:
            log.write(f"{datetime.now(UTC).isoformat(timespec='seconds')} {visible(line)}\n")

    def mark(self) -> None:
        """Mark the folder as a results folder, in which `archarena clean` may delete files."""
        if not self.is_marked:
            write_atomically(self.folder / MARKER, b"A results folder of archarena.\n")

    @property
    def is_marked(self) -> bool:
        return (self.folder / MARKER).is_file()

    def by_key(self) -> dict[str, Record]:
        return {record.key: record for record in self.read()}

    def path_of_card(self, kind: type[AnyCard], *identity: str) -> Path:
        """Return the path of the card with this identity: a model's name, or a task and its tier."""
        return self.folder / "cards" / kind.folder / f"{slug('-'.join(identity))}.json"

    def write_card(self, card: AnyCard) -> None:
        """Write a card, replacing an earlier one of the same model or task."""
        write_json(self.path_of_card(type(card), *card.identity), card.model_dump(mode="json"))

    def card(self, kind: type[Card], *identity: str) -> Card | None:
        """Return the card with this identity, or None if there is none or it cannot be read."""
        path = self.path_of_card(kind, *identity)
        return self._read_card(kind, path) if path.is_file() else None

    def cards(self, kind: type[Card]) -> list[Card]:
        """Return all cards of one kind that can be read, sorted by file name, and print one line per other file."""
        cards = (self._read_card(kind, path) for path in sorted((self.folder / "cards" / kind.folder).glob("*.json")))
        return [card for card in cards if card is not None]

    def _read_card(self, kind: type[Card], path: Path) -> Card | None:
        try:
            return _validated(kind, path, _read_json(path))
        except UserError as error:
            if path not in self._reported:
                self._reported.add(path)
                say_left_out(f"{error} Delete it; a run of the {kind.folder.removesuffix('s')} writes it again.")
            return None


def read_record(path: Path) -> Record:
    """Return the record in a file, migrated to the current schema.

    Raises
    ------
    CorruptRecordError
        If the file cannot be read, is not a record, or does not match its checksum or its key.
    UserError
        If the record has a newer schema.
    """
    data = _read_json(path, CorruptRecordError)
    schema = data.get("schema") if isinstance(data, dict) else None
    if type(schema) is not int or schema < min(MIGRATIONS, default=SCHEMA):
        raise CorruptRecordError(f"{path} is not a record: it has no known schema number.")
    _verify(path, data, schema)
    if schema > SCHEMA:
        raise UserError(
            f"{path} has schema {schema}, but this archarena reads schemas up to {SCHEMA}: update archarena."
        )
    for step in range(schema, SCHEMA):
        data = MIGRATIONS[step](data)
    return _validated(Record, path, data)


def _verify(path: Path, data: dict[str, Any], schema: int) -> None:
    """Raise `CorruptRecordError` if a record's checksum or key is wrong; schemas 1 and 2 have no checksum."""
    content = {name: value for name, value in data.items() if name != "checksum"}
    try:
        matches = data.get("checksum") == canonical_hash(content) or (schema < 3 and "checksum" not in data)
        has_key = data.get("key") == canonical_hash(data.get("key_parts"))
    except (ValueError, RecursionError):  # NaN, or nested too deeply
        matches = has_key = False
    if not matches:
        raise CorruptRecordError(f"{path} does not match its checksum.")
    if not has_key:
        raise CorruptRecordError(f"The key of {path} is not that of its cell.")


def _order(path: Path) -> int:
    try:
        return read_record(path).order[0]
    except UserError:
        return 0


def _validated(kind: type[Content], path: Path, data: Any) -> Content:
    try:
        return kind.model_validate(data)
    except ValidationError as error:
        first = error.errors()[0]
        place = shortened(".".join(str(part) for part in first["loc"]), 100)
        what = "record" if kind is Record else "card"
        error_type = CorruptRecordError if kind is Record else UserError
        raise error_type(f"{path} is not a valid {what}: {place}: {first['msg']}.") from None


def _read_json(path: Path, error_type: type[UserError] = UserError) -> Any:
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
        _check_nesting(value, DEEPEST)
    except (OSError, ValueError, RecursionError) as error:
        raise error_type(f"{path} cannot be read ({error}).") from None
    return value


def _check_nesting(value: Any, levels: int) -> None:
    """Raise `ValueError` if a JSON value is nested more deeply than `levels`."""
    if isinstance(value, dict | list):
        if not levels:
            raise ValueError(f"nested more than {DEEPEST} levels deep")
        for part in value.values() if isinstance(value, dict) else value:
            _check_nesting(part, levels - 1)
