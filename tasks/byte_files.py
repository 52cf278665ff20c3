"""Data sets of raw byte files, compressed or not."""

from __future__ import annotations

import gzip
import hashlib
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, TYPE_CHECKING, cast

from ..harness import DataSet
from ..harness.data.table_files import read_up_to_limit

if TYPE_CHECKING:
    import pandas as pd

CONTENT = "content"


@dataclass(eq=False)
class ByteFiles(DataSet):
    """Files, plain or as the only file in a gz or zip, pinned by the sha256 of their uncompressed content."""

    columns: Mapping[str, type] = field(default_factory=lambda: {CONTENT: bytes})

    def content(self, folder: Path, part: str) -> bytes:
        """Return a part's bytes, checked.

        Raises
        ------
        UserError
            If the data set is missing, unreadable, or differs from the pinned content.
        """
        return self.read(folder, part)[CONTENT].tolist()[0]

    def table(self, path: Path, part: str) -> pd.DataFrame:
        if path.suffix == ".parquet":
            return super().table(path, part)
        import pandas as pd

        return pd.DataFrame({CONTENT: [unpacked(path)]})

    def canonical(self, table: pd.DataFrame) -> tuple[pd.DataFrame, str]:
        return table, hashlib.sha256(b"".join(table[CONTENT])).hexdigest()


def unpacked(path: Path) -> bytes:
    """Return the uncompressed bytes of a file; raise `ValueError` unless an archive contains exactly one file."""
    if path.suffix == ".gz":
        with gzip.open(path) as file:
            return read_up_to_limit(cast("IO[bytes]", file))
    if path.suffix != ".zip":
        return path.read_bytes()
    with zipfile.ZipFile(path) as archive:
        names = [name for name in archive.namelist() if not name.endswith("/")]
        if len(names) != 1:
            raise ValueError(f"the archive contains {len(names)} files, expected one")
        with archive.open(names[0]) as file:
            return read_up_to_limit(file)
