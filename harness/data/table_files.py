"""Read tables from files of several formats, compressed or not."""

from __future__ import annotations

import gzip
import io
import json
import lzma
import re
import zipfile
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path, PurePosixPath
from typing import IO, TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd

BLOCK_BYTES = 2**24

Columns = Mapping[str, type]
"""Column names with their types, `str`, `int`, `float` or `bytes`."""

TEXT_SUFFIXES = (".jsonl.xz", ".jsonl.gz", ".jsonl", ".parquet", ".csv")


def read_table(path: Path, columns: Columns) -> pd.DataFrame:
    """Return the named columns of a file; the suffix gives the format.

    Raises
    ------
    ValueError
        If a column is missing or has values of another type.
    Exception
        Any error of the format's reader for a broken file.
    """
    return typed(reader_of(path)(path, columns), columns)


def columns_of(path: Path) -> dict[str, type]:
    """Return the columns of a file with the narrowest of `int`, `float`, `str` and `bytes` that fits all values.

    Raises
    ------
    ValueError
        If the format is unknown, or a column has values of several types.
    """
    table = reader_of(path)(path, {})
    found = {str(name): _narrowest(column) for name, column in table.items()}
    if strange := next((name for name, kind in found.items() if kind is None), None):
        raise ValueError(f"column '{strange}' contains values that are not numbers, text or bytes")
    return {name: kind for name, kind in found.items() if kind}


def _narrowest(column: pd.Series) -> type | None:
    for kind in (int, float):
        with suppress(ValueError, TypeError, OverflowError):
            if (column.astype(kind) == column.astype(float)).all():
                return kind
    values = column.tolist()
    return next((kind for kind in (str, bytes) if all(isinstance(value, kind) for value in values)), None)


def reader_of(path: Path) -> Callable[[Path, Columns], pd.DataFrame]:
    """Return the reader for a file's suffix, or raise `ValueError`."""
    suffix = next((suffix for suffix in READERS if path.name.endswith(suffix)), None)
    if suffix is None:
        raise ValueError(f"unknown file format; known suffixes are {', '.join(READERS)}")
    return READERS[suffix]


def typed(table: pd.DataFrame, columns: Columns) -> pd.DataFrame:
    """Return the named columns in order, after checking their types.

    Raises
    ------
    ValueError
        If a column is missing or has values of another type.
    """
    missing = [name for name in columns if name not in table]
    if missing:
        raise ValueError(f"column '{missing[0]}' is missing")
    table = table.loc[:, list(columns)].reset_index(drop=True)
    for name, kind in columns.items():
        if kind in (int, float):
            table[name] = table[name].astype("int64" if kind is int else "float64")
        elif not all(isinstance(value, kind) for value in table[name].tolist()):
            raise ValueError(f"column '{name}' contains values that are not {'text' if kind is str else 'bytes'}")
    return table


LARGEST = 2**31
"""Bytes of a file that is read into memory, after decompression."""


def read_up_to_limit(file: IO[bytes]) -> bytes:
    """Return the content of a file or a stream of decompressed bytes, read in blocks.

    Raises
    ------
    ValueError
        If it has more than `LARGEST` bytes.
    """
    blocks, size = [], 0
    while block := file.read(min(BLOCK_BYTES, LARGEST + 1 - size)):
        blocks.append(block)
        size += len(block)
        if size > LARGEST:
            raise ValueError(f"its content has more than {LARGEST:,} bytes")
    return b"".join(blocks)


def _jsonl(open_file: Callable[[Path], Any]) -> Callable[[Path, Columns], pd.DataFrame]:
    def read(path: Path, columns: Columns) -> pd.DataFrame:
        import pandas as pd

        with open_file(path) as file:
            rows = [json.loads(line) for line in read_up_to_limit(file).split(b"\n") if line]
        columns = columns or dict.fromkeys(rows[0] if rows else (), str)
        return pd.DataFrame({name: [row[name] for row in rows] for name in columns if all(name in row for row in rows)})

    return read


def _parquet(path: Path, columns: Columns) -> pd.DataFrame:
    import pandas as pd

    return pd.read_parquet(path)


def _delimited(path: Path, columns: Columns) -> pd.DataFrame:
    return _parse_delimited(path.read_bytes())


def _parse_delimited(content: bytes) -> pd.DataFrame:
    import pandas as pd

    header = content[: content.find(b"\n") + 1]
    separator = "\t" if b"\t" in header else ","
    return pd.read_csv(io.BytesIO(content), sep=separator, dtype=str, keep_default_na=False)


def _zipped(path: Path, columns: Columns) -> pd.DataFrame:
    """Read, in memory, the first delimited file in an archive that has the columns."""
    with zipfile.ZipFile(path) as archive:
        for member in archive.namelist():
            if PurePosixPath(member).suffix == ".csv":
                with archive.open(member) as file:
                    table = _parse_delimited(read_up_to_limit(file))
                if set(columns) <= set(table.columns):
                    return table
    raise ValueError(f"no csv file in the archive has the columns {', '.join(columns)}")


def _libfm(path: Path, columns: Columns) -> pd.DataFrame:
    """Read lines ``label id:1 id:1 ...``; positive labels become 1, all others 0."""
    import numpy as np
    import pandas as pd

    numbers = np.array(re.sub(rb":1\b", b"", path.read_bytes()).split(), dtype=np.int64)
    if numbers.size % len(columns):
        raise ValueError(f"not every line has {len(columns)} entries")
    table = numbers.reshape(-1, len(columns))
    table[:, 0] = table[:, 0] > 0
    return pd.DataFrame(table, columns=list(columns))


READERS: dict[str, Callable[[Path, Columns], pd.DataFrame]] = {
    ".jsonl.xz": _jsonl(lzma.LZMAFile),
    ".jsonl.gz": _jsonl(gzip.GzipFile),
    ".jsonl": _jsonl(io.FileIO),
    ".parquet": _parquet,
    ".csv": _delimited,
    ".tsv": _delimited,
    ".zip": _zipped,
    ".libfm": _libfm,
}
