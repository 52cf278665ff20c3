"""Data sets whose parts are whole files of bytes, packed or not."""

from __future__ import annotations

import gzip
import hashlib
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from .data import DataSet

if TYPE_CHECKING:
    import pandas as pd

CONTENT = "content"


@dataclass(eq=False)
class ByteFiles(DataSet):
    """Files pinned by the sha256 of their unpacked content: as they are, or as the one file in a gz or zip."""

    columns: Mapping[str, type] = field(default_factory=lambda: {CONTENT: bytes})

    def content(self, folder: Path, part: str) -> bytes:
        """Return a part's bytes, checked.

        Raises
        ------
        UserError
            If the set is absent, unreadable, or not what is pinned.
        """
        return self.read(folder, part)[CONTENT].tolist()[0]

    def table(self, path: Path, part: str) -> pd.DataFrame:
        """Return the content as the one entry of a table."""
        if path.suffix == ".parquet":
            return super().table(path, part)
        import pandas as pd

        return pd.DataFrame({CONTENT: [unpacked(path)]})

    def canonical(self, table: pd.DataFrame) -> tuple[pd.DataFrame, str]:
        """Return the content as it is, and its sha256."""
        return table, hashlib.sha256(b"".join(table[CONTENT])).hexdigest()


def unpacked(path: Path) -> bytes:
    """Return the bytes of a file, or of the one file that is packed in it.

    Raises
    ------
    ValueError
        If an archive holds more than one file.
    """
    if path.suffix == ".gz":
        return gzip.decompress(path.read_bytes())
    if path.suffix != ".zip":
        return path.read_bytes()
    with zipfile.ZipFile(path) as archive:
        names = [name for name in archive.namelist() if not name.endswith("/")]
        if len(names) != 1:
            raise ValueError(f"it holds {len(names)} files, expected one")
        return archive.read(names[0])
