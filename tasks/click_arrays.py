"""Convert the csv files of a click log to memory-mapped arrays without loading a whole file.

Files are read once, in blocks. Each categorical value is packed into a 64-bit key and written to
one scratch file per field. Then the fields are numbered one by one on the training rows and
interleaved into rows.
"""

from __future__ import annotations

import hashlib
import json
import sys
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from filelock import FileLock

from ..harness import Split, UserError
from ..harness.data.arrays import load_split
from ..harness.data.verify import array_hashes, changed_array, read_meta_file, write_meta_file
from ..harness.files import cache_folder, replacing
from .click_files import CsvFiles

if TYPE_CHECKING:
    import pyarrow as pa

PARTS = ("train", "valid", "test")
VERSION = 2
META = "meta.json"
WEAVE_ROWS = 2**17
EMPTY = 0
"""The key of an empty entry, which is mapped to the id for unknown values."""

Keys = Callable[["pa.Array"], np.ndarray]


def pack(column: pa.Array) -> np.ndarray:
    """Return tokens of up to 8 bytes as uint64 keys; equal tokens have equal keys."""
    import pyarrow.compute as pc

    padded = pc.call_function("ascii_rpad", [column], pc.PadOptions(8, "\0"))
    if len(padded) and pc.call_function("max", [pc.call_function("binary_length", [padded])]).as_py() > 8:
        raise UserError("A categorical column has a value of more than 8 characters, which is not supported.")
    _, _, content = padded.buffers()
    start = padded.offset
    return np.frombuffer(content, np.uint64)[start : start + len(padded)]


def pack_integers(values: np.ndarray) -> np.ndarray:
    """Return integers as uint64 keys, none of which is `EMPTY`."""
    return values.astype(np.int64).view(np.uint64) ^ np.uint64(2**63)


@dataclass(frozen=True)
class Field:
    """A categorical field: its column, Arrow type, and conversion to keys."""

    name: str
    column: str
    keys: Keys = pack
    kind: str = "string"


@dataclass(frozen=True)
class Layout:
    """The columns of a click log.

    Attributes
    ----------
    numeric
        Numeric columns, used unchanged.
    min_count
        Values rarer than this in the training rows get the id for unknown values.
    """

    label: str
    fields: tuple[Field, ...]
    numeric: tuple[str, ...] = ()
    min_count: int = 1

    @property
    def kinds(self) -> dict[str, Any]:
        import pyarrow as pa

        texts = {field.column: getattr(pa, field.kind)() for field in self.fields}
        return {self.label: pa.float32(), **dict.fromkeys(self.numeric, pa.float32()), **texts}


@dataclass(frozen=True)
class ClickArrays:
    """The memory-mapped parts of a click log and the number of ids per field."""

    parts: Mapping[str, Split]
    cardinalities: tuple[int, ...]


def click_arrays(source: CsvFiles, layout: Layout, data: Path) -> ClickArrays:
    """Return a click log's arrays from the user's cache; prepare them if they are missing.

    Ids of a field start at 1, in order of decreasing count in the training rows. The last id is for
    unknown, rare and empty values; 0 is reserved for padding.

    Raises
    ------
    UserError
        If the data set is missing, unreadable, or differs from the pinned content, or if the
        cache cannot be written.
    """
    folder = cache_folder("prepared") / f"{source.name}-{_key(source, layout)}"
    if not _is_intact(folder):
        files = {part: source.path(data, part) for part in PARTS}
        try:
            folder.parent.mkdir(parents=True, exist_ok=True)
            with FileLock(folder.with_name(f".{folder.name}.lock")):
                if not _is_intact(folder):
                    if folder.exists():
                        print(f"archarena: the arrays in {folder} changed; preparing them again.", file=sys.stderr)
                    _prepare(source, layout, files, folder)
        except OSError as error:
            raise UserError(f"Cannot cache the arrays of '{source.name}' in {folder.parent}: {error}.") from error
    cardinalities = tuple(read_meta_file(folder / META)["cardinalities"])
    return ClickArrays({part: load_split(folder / part) for part in PARTS}, cardinalities)


def _is_intact(folder: Path) -> bool:
    """Return whether the cache has all arrays, unchanged."""
    try:
        return changed_array(folder, read_meta_file(folder / META)["files"]) is None
    except (OSError, ValueError, LookupError):
        return False


def _key(source: CsvFiles, layout: Layout) -> str:
    fields = [[field.name, field.column, field.keys.__name__] for field in layout.fields]
    parts = [VERSION, source.identity(), layout.label, fields, layout.numeric, layout.min_count]
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:16]


def _prepare(source: CsvFiles, layout: Layout, files: Mapping[str, Path], folder: Path) -> None:
    for part, file in files.items():
        source.check(file, part)
    with replacing(folder) as done:
        scratch = done.with_name("scratch")
        for part, file in files.items():
            _spill(source, layout, file, done / part, scratch / part)
        cardinalities = [_number(scratch, index, layout.min_count) for index in range(len(layout.fields))]
        for part in files:
            _weave(scratch / part, len(layout.fields), done / part / "inputs" / "ids.npy")
        write_meta_file(done / META, {"cardinalities": cardinalities, "files": array_hashes(done)})


def _spill(source: CsvFiles, layout: Layout, file: Path, done: Path, scratch: Path) -> None:
    """Read a file; write labels and numbers to their arrays, and keys to one scratch file per field."""
    scratch.mkdir(parents=True)
    (done / "inputs").mkdir(parents=True)
    with ExitStack() as stack:
        labels = stack.enter_context(ArrayFile(done / "targets.npy", np.float32))
        fields = [stack.enter_context(_scratch(scratch, index).open("wb")) for index in range(len(layout.fields))]
        dense = None
        if layout.numeric:
            dense = stack.enter_context(ArrayFile(done / "inputs" / "dense.npy", np.float32, len(layout.numeric)))
        for block in source.blocks(file, layout.kinds):
            labels.append(block.column(layout.label).to_numpy(zero_copy_only=False))
            for field, out in zip(layout.fields, fields, strict=True):
                np.ascontiguousarray(field.keys(block.column(field.column))).tofile(out)
            if dense is not None:
                dense.append(np.stack([_numbers(block.column(name)) for name in layout.numeric], axis=1))


def _numbers(column: pa.Array) -> np.ndarray:
    return column.fill_null(0).to_numpy(zero_copy_only=False)


def _number(scratch: Path, index: int, min_count: int) -> int:
    """Replace a field's keys by ids in every part, and return the number of ids."""
    import pandas as pd

    train, *others = (_scratch(scratch / part, index) for part in PARTS)
    codes, values = pd.factorize(np.fromfile(train, np.uint64))
    counts = np.bincount(codes, minlength=len(values))
    counts[values == EMPTY] = 0
    order = np.argsort(-counts, kind="stable")
    known = values[order[: np.count_nonzero(counts >= max(1, min_count))]]
    unknown = len(known) + 1
    ids = np.full(len(values), unknown, np.int32)
    ids[order[: len(known)]] = np.arange(1, unknown)
    ids[codes].tofile(train)
    del codes
    index_of = pd.Index(known)
    for file in others:
        place = index_of.get_indexer(pd.Index(np.fromfile(file, np.uint64)))
        np.where(place < 0, unknown, place + 1).astype(np.int32).tofile(file)
    return unknown + 1


def _weave(scratch: Path, fields: int, target: Path) -> None:
    """Interleave one file of ids per field into ids (rows, fields, 1)."""
    with ExitStack() as stack:
        columns = [stack.enter_context(_scratch(scratch, index).open("rb")) for index in range(fields)]
        ids = stack.enter_context(ArrayFile(target, np.int32, fields, 1))
        while (block := np.stack([np.fromfile(column, np.int32, WEAVE_ROWS) for column in columns], axis=1)).size:
            ids.append(block[..., None])


def _scratch(folder: Path, index: int) -> Path:
    return folder / f"{index}.bin"


class ArrayFile:
    """An .npy file written in blocks; the header has room for the final number of rows."""

    def __init__(self, path: Path, dtype: type, *row: int):
        self.dtype, self.row, self.rows = np.dtype(dtype), row, 0
        self.file = path.open("wb")
        self._write_header()

    def _write_header(self) -> None:
        described = {"descr": self.dtype.str, "fortran_order": False, "shape": (self.rows, *self.row)}
        self.file.seek(0)
        np.lib.format.write_array_header_1_0(self.file, described)

    def append(self, block: np.ndarray) -> None:
        """Append rows of shape (rows, *row)."""
        np.ascontiguousarray(block, self.dtype).tofile(self.file)
        self.rows += len(block)

    def __enter__(self) -> ArrayFile:
        return self

    def __exit__(self, *_: object) -> None:
        self._write_header()
        self.file.close()
