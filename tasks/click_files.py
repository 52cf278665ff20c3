"""Click logs of tens of millions of rows: csv files that are read in blocks, never whole."""

from __future__ import annotations

import hashlib
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

from ..harness.contract.scan import describe
from ..harness.errors import UserError
from .data import DataSet, Report, silent

if TYPE_CHECKING:
    import pyarrow as pa

BLOCK_BYTES = 2**24


@dataclass(eq=False)
class CsvFiles(DataSet):
    """Parts that are csv files, pinned by the md5 sums of their bytes; `blocks` is told the columns."""

    columns: Mapping[str, type] = field(default_factory=dict)

    def _names(self, part: str) -> tuple[str, ...]:
        return (f"{part}.csv",)

    def path(self, folder: Path, part: str) -> Path:
        """Return the file of a part, brought from the hub first if it is absent and that is allowed."""
        found = self._file(self.resolve(folder), part)
        assert found is not None
        return found

    def check(self, path: Path, part: str) -> None:
        """Read a file once to see that it is the pinned part (see `DataSet.check`)."""
        try:
            with path.open("rb") as file:
                found = hashlib.file_digest(file, "md5").hexdigest()
        except OSError as error:
            raise UserError(f"Cannot read {path} of the data set '{self.name}': {error}.") from error
        self._require_sum(found, part, str(path))

    def fetch(self, folder: Path, report: Report = silent) -> Path:
        """Bring what is absent out of the hub's archive into the data folder (see `DataSet.fetch`)."""
        absent = [part for part in self.parts if self._file(self._home(folder), part) is None]
        assert self.hub is not None
        if not absent:
            return self._home(folder)
        try:
            with zipfile.ZipFile(self.hub.download()) as archive:
                members = {PurePosixPath(name).name: name for name in archive.namelist()}
                for part in absent:
                    self._unpack(archive, members[f"{part}.csv"], folder, part, report)
        except UserError:
            raise
        except Exception as error:
            raise self._not_brought(error) from error
        return self._home(folder)

    def _unpack(self, archive: zipfile.ZipFile, member: str, folder: Path, part: str, report: Report) -> None:
        def write(target: Path) -> None:
            digest, lines = hashlib.md5(usedforsecurity=False), 0
            with archive.open(member) as source, target.open("wb") as file:
                while block := source.read(BLOCK_BYTES):
                    file.write(block)
                    digest.update(block)
                    lines += block.count(b"\n")
                    report(part, lines)
            self._require_sum(digest.hexdigest(), part, f"The hub's {self.hub.repository}")  # type: ignore[union-attr]

        self._keep(folder, f"{part}.csv", write)

    def _require_sum(self, found: str, part: str, place: str) -> None:
        if found != self.checksums[part]:
            raise self._not_it(place, part, f"the checksum {found[:12]}", f"{self.checksums[part][:12]} is")

    def blocks(self, path: Path, kinds: Mapping[str, Any]) -> Iterator[pa.RecordBatch]:
        """Yield the named columns of a file as Arrow arrays, many rows at a time.

        Parameters
        ----------
        kinds
            The Arrow type of each column; empty entries are null where it is a number.

        Raises
        ------
        UserError
            If a column is missing, or holds something else than its type.
        """
        import pyarrow as pa
        from pyarrow import csv

        try:
            yield from csv.open_csv(
                path,
                read_options=csv.ReadOptions(block_size=BLOCK_BYTES),
                convert_options=csv.ConvertOptions(include_columns=list(kinds), column_types=dict(kinds)),
            )
        except (pa.ArrowException, OSError, KeyError) as error:
            raise UserError(f"Cannot read {path} of the data set '{self.name}': {describe(error)}.") from error
