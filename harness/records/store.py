"""The results folder.

Its layout::

    records/TASK/VARIANT-sSEED-KEY.json     one record per cell
    predictions/KEY.safetensors             test predictions, written before the record
    weights/KEY.safetensors                 the trained model, if requested
    cards/models/NAME.json                  model information for pages
    cards/tasks/TASK-TIER.json              task information for pages, including reference scores
    work/                                   running trials and prepared arrays; may be deleted

A record contains a checksum of its content, and its key is the hash of the key's parts; both are verified when
it is read.

Every file is written atomically. A record is written last, so that the files it names exist.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from ..errors import UserError
from ..files import slug, write_json
from .cards import ModelCard, TaskCard
from .hashes import canonical_hash
from .record import SCHEMA, Record, milliseconds

Card = TypeVar("Card", ModelCard, TaskCard)
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


MIGRATIONS: dict[int, Callable[[dict[str, Any]], dict[str, Any]]] = {1: _from_schema_1, 2: _from_schema_2}
"""Migrations by their starting schema: each turns a record of schema N into one of schema N + 1."""


class CorruptRecordError(UserError):
    """A file in the records folder is not a record, or its content was changed."""


class ResultStore:
    """Reads and writes the records and cards of a results folder."""

    def __init__(self, folder: Path):
        self.folder = folder
        self._latest: int | None = None

    def path_of(self, record: Record) -> Path:
        cell = record.cell
        name = f"{slug(cell.variant)[:120]}-s{cell.seed}-{record.short_key}.json"
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
        """Yield all records, sorted by path; raise `UserError` for a file that `read_record` rejects."""
        for path in self.record_files():
            yield read_record(path)

    def record_files(self) -> list[Path]:
        return sorted((self.folder / "records").glob("*/*.json"))

    def by_key(self) -> dict[str, Record]:
        return {record.key: record for record in self.read()}

    def path_of_card(self, kind: type[ModelCard | TaskCard], *identity: str) -> Path:
        """Return the path of the card with this identity: a model's name, or a task and its tier."""
        return self.folder / "cards" / kind.folder / f"{slug('-'.join(identity))}.json"

    def write_card(self, card: ModelCard | TaskCard) -> None:
        """Write a card, replacing an earlier one of the same model or task."""
        write_json(self.path_of_card(type(card), *card.identity), card.model_dump(mode="json"))

    def card(self, kind: type[Card], *identity: str) -> Card | None:
        """Return the card with this identity, or None if there is none; raise `UserError` for an invalid file."""
        path = self.path_of_card(kind, *identity)
        return _validated(kind, path, _read_json(path)) if path.is_file() else None

    def cards(self, kind: type[Card]) -> list[Card]:
        """Return all cards of one kind, sorted by file name; raise `UserError` for an invalid file."""
        paths = sorted((self.folder / "cards" / kind.folder).glob("*.json"))
        return [_validated(kind, path, _read_json(path)) for path in paths]


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
        raise CorruptRecordError(
            f"{path} is not a record: it has no known schema number. Move it out of the records folder."
        )
    if schema > SCHEMA:
        raise UserError(
            f"{path} has schema {schema}, but this archarena reads schemas up to {SCHEMA}: update archarena."
        )
    _verify(path, data, schema)
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
        raise CorruptRecordError(f"{path} does not match its checksum. Delete it and run its cell again.")
    if not has_key:
        raise CorruptRecordError(f"The key of {path} is not that of its cell. Delete it and run its cell again.")


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
        place = ".".join(str(part) for part in first["loc"])
        what = "record" if kind is Record else "card"
        error_type = CorruptRecordError if kind is Record else UserError
        raise error_type(
            f"{path} is not a valid {what}: {place}: {first['msg']}. Delete it and run its cell again."
        ) from None


def _read_json(path: Path, error_type: type[UserError] = UserError) -> Any:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except RecursionError:
        raise error_type(f"{path} cannot be read (nested too deeply). Delete it and run its cell again.") from None
    except (OSError, ValueError) as error:
        raise error_type(f"{path} cannot be read ({error}). Delete it and run its cell again.") from None
