"""Click logs with tens of millions of rows: csv files read in blocks."""

from __future__ import annotations

import hashlib
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

from ..harness import DataSet, UserError
from ..harness.contract.scan import describe
from ..harness.data.data_set import Report, silent

if TYPE_CHECKING:
    import pyarrow as pa

BLOCK_BYTES = 2**24


@dataclass(eq=False)
class CsvFiles(DataSet):
    """Csv files pinned by md5 checksums; `blocks` takes the columns to read."""

    columns: Mapping[str, type] = field(default_factory=dict)

    def _names(self, part: str) -> tuple[str, ...]:
        return (f"{part}.csv",)

    def path(self, folder: Path, part: str) -> Path:
        """Return the file of a part; fetch it from the hub if it is missing and this is allowed."""
        found = self._file(self.resolve(folder), part)
        assert found is not None
        return found

    def check(self, path: Path, part: str) -> None:
        """Read a file and compare its checksum with the pinned one (see `DataSet.check`)."""
        try:
            with path.open("rb") as file:
                found = hashlib.file_digest(file, "md5").hexdigest()
        except OSError as error:
            raise UserError(f"Cannot read {path} of the data set '{self.name}': {error}.") from error
        self._require_sum(found, part, str(path))

    def fetch(self, folder: Path, report: Report = silent) -> Path:
        """Extract missing parts from the hub's archive into the data folder (see `DataSet.fetch`)."""
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
        assert self.hub is not None
        place = f"The hub's {self.hub.repository}"

        def write(target: Path) -> None:
            digest, lines = hashlib.md5(usedforsecurity=False), 0
            with archive.open(member) as source, target.open("wb") as file:
                while block := source.read(BLOCK_BYTES):
                    file.write(block)
                    digest.update(block)
                    lines += block.count(b"\n")
                    report(part, lines)
            self._require_sum(digest.hexdigest(), part, place)

        self._keep(folder, f"{part}.csv", write)

    def _require_sum(self, found: str, part: str, place: str) -> None:
        if found != self.checksums[part]:
            raise self._not_it(place, part, f"the checksum {found[:12]}", f"{self.checksums[part][:12]} is")

    def blocks(self, path: Path, kinds: Mapping[str, Any]) -> Iterator[pa.RecordBatch]:
        """Yield the named columns of a file as Arrow arrays, in blocks of rows.

        Parameters
        ----------
        kinds
            The Arrow type of each column; empty entries of numeric columns are null.

        Raises
        ------
        UserError
            If a column is missing or has values of another type.
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
