"""A table of real data, from the data folder or, if the user allows it, from the Hugging Face hub.

A data set is stored under the data folder as
``<folder>/<set>/<part>.<suffix>``; the suffix gives the format. A checksum over canonical rows pins
the content, so the format and the order of the rows may differ but the rows may not. If the
checksum is unknown, the number of rows is pinned instead. A missing data set is never replaced by another.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ..contract.scan import describe
from ..errors import UserError
from ..files import replacing
from .hub import HUB_SWITCH, Hub
from .seeds import generator
from .table_files import TEXT_SUFFIXES, read_table, typed

if TYPE_CHECKING:
    import pandas as pd

Report = Callable[[str, int], None]
"""Called with a part's name and the number of rows read so far."""


def silent(part: str, rows: int) -> None:
    """Report nothing."""


@dataclass(eq=False)
class DataSet:
    """A table in parts, pinned by checksums or counts; implements `archarena.harness.contract.data_source.DataSource`.

    Attributes
    ----------
    name
        Name in commands and messages.
    summary, license
        Contents and authors; terms of use.
    columns
        Columns to read and pin, with their types.
    checksums
        Expected checksum of each part, as `canonical` returns it.
    counts
        Expected number of rows of each part without a checksum.
    files
        Possible file names of a part, in order of preference; by default the part's name with any
        known suffix.
    folder
        Name of the folder under the data folder; by default `name`.
    """

    name: str
    summary: str
    license: str
    columns: Mapping[str, type]
    checksums: Mapping[str, str] = field(default_factory=dict)
    counts: Mapping[str, int] = field(default_factory=dict)
    files: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    folder: str = ""
    hub: Hub | None = None

    def __post_init__(self) -> None:
        names = [self.name, self.folder or self.name, *(name for part in self.parts for name in self._names(part))]
        if not all(re.fullmatch(r"\w[\w.-]*", name) for name in names):
            raise ValueError(f"The names of data set '{self.name}' must be plain file names, not paths: {names}.")

    @property
    def parts(self) -> tuple[str, ...]:
        return (*self.checksums, *self.counts)

    def identity(self) -> dict[str, Any]:
        """Return the checksums and row counts that pin the content."""
        counts = {"counts": dict(self.counts)} if self.counts else {}
        return {"checksums": dict(self.checksums), **counts}

    def find(self, folder: Path) -> Path | None:
        """Return the data set's folder if it contains every part, or None."""
        return self._home(folder) if all(self._file(self._home(folder), part) for part in self.parts) else None

    def missing(self, folder: Path) -> str:
        """Return a message that names the data set, the folder searched and how to get the files."""
        wanted = " and ".join(
            " (or ".join(filter(None, (names[0], ", ".join(names[1:])))) + ")" * (len(names) > 1)
            for names in (self._names(part) for part in self.parts if self._file(self._home(folder), part) is None)
        )
        hub = f", or set {HUB_SWITCH}=1 to download it from the hub ({self.hub.repository})" if self.hub else ""
        return (
            f"The data set '{self.name}' ({self.summary}) is missing: {self._home(folder)} does not contain {wanted}. "
            f"Put it there with `archarena data import {self.name} PATH`, or, if it is already in "
            f"{self._home(Path('DIR'))}, pass --data DIR or set ARCHARENA_DATA=DIR{hub}."
        )

    def resolve(self, folder: Path) -> Path:
        home = self.find(folder)
        if home is None and self.hub and os.environ.get(HUB_SWITCH) == "1":
            home = self.fetch(folder)
        if home is None:
            raise UserError(self.missing(folder))
        return home

    def fetch(self, folder: Path, report: Report = silent) -> Path:
        """Fetch missing parts from the hub and check them; each part is written atomically.

        Raises
        ------
        UserError
            If the hub lacks the data set, cannot be reached, or has different content.
        """
        if self.hub is None:
            raise UserError(f"The data set '{self.name}' is not on the hub. {self.missing(folder)}")
        for part in self.parts:
            if self._file(self._home(folder), part) is None:
                table = self._checked(self._from_hub(part, report), part, f"The hub's {self.hub.repository}")
                self._keep(folder, f"{part}.parquet", table.to_parquet)
        return self._home(folder)

    def adopt(self, place: Path, folder: Path) -> Path:
        """Check the files at a path given by the user and copy them into the data folder.

        Parameters
        ----------
        place
            A folder with a file for every part (see `files`), or one such file.

        Raises
        ------
        UserError
            If a part is missing or differs from the pinned content.
        """
        source = place if place.is_dir() else place.parent
        found = {part: self._file(source, part) for part in self.parts}
        if place.is_file():
            found = {part: path for part, path in found.items() if path == place}
        absent = [part for part, path in found.items() if path is None]
        if absent or not found:
            wanted = " or ".join(self._names((absent or self.parts)[0]))
            raise UserError(f"{place} is not the complete data set '{self.name}': expected {wanted} there.")
        for part, path in found.items():
            assert path is not None
            self.check(path, part)
        for original in {file for path in found.values() if path for file in self.belonging(path)}:
            self._keep(folder, original.name, lambda target, original=original: shutil.copyfile(original, target))
        return self._home(folder)

    def check(self, path: Path, part: str) -> None:
        """Raise `UserError` unless a file has the pinned content of a part."""
        self._read_file(path, part)

    def belonging(self, path: Path) -> list[Path]:
        """Return all files of a part, given the one that was found."""
        return [path]

    def read(self, folder: Path, part: str) -> pd.DataFrame:
        """Return the rows of a part, in canonical order and checked.

        Raises
        ------
        UserError
            If the data set is missing, unreadable, or differs from the pinned content.
        """
        path = self._file(self.resolve(folder), part)
        assert path is not None
        return self._read_file(path, part)

    def table(self, path: Path, part: str) -> pd.DataFrame:
        """Return the columns of a file; errors of the reader pass through."""
        return read_table(path, self.columns)

    def canonical(self, table: pd.DataFrame) -> tuple[pd.DataFrame, str]:
        """Return the rows in canonical order, and their checksum."""
        columns = [table[name].tolist() for name in self.columns]
        lines = [json.dumps(row, ensure_ascii=False, separators=(",", ":")) for row in zip(*columns, strict=True)]
        order = sorted(range(len(lines)), key=lines.__getitem__)
        text = "\n".join(lines[row] for row in order)
        return table.iloc[order].reset_index(drop=True), hashlib.sha256(text.encode()).hexdigest()

    def _read_file(self, path: Path, part: str) -> pd.DataFrame:
        try:
            table = self.table(path, part)
        except Exception as error:
            raise UserError(f"Cannot read {path} of the data set '{self.name}': {describe(error)}.") from error
        return self._checked(table, part, str(path))

    def _checked(self, table: pd.DataFrame, part: str, place: str) -> pd.DataFrame:
        if part in self.counts:
            found, pinned = f"{len(table)} rows", f"{self.counts[part]} are"
            whole = len(table) == self.counts[part]
        else:
            table, checksum = self.canonical(table)
            found = f"the checksum {checksum[:12]}"
            pinned, whole = f"{self.checksums[part][:12]} is", checksum == self.checksums[part]
        if not whole:
            raise self._not_it(place, part, found, pinned)
        return table

    def _not_it(self, place: str, part: str, found: str, pinned: str) -> UserError:
        return UserError(
            f"{place} is not the {part} part of the data set '{self.name}': it has {found}, but {pinned} pinned. "
            "Replace it with the original."
        )

    def _home(self, folder: Path) -> Path:
        return folder / (self.folder or self.name)

    def _names(self, part: str) -> tuple[str, ...]:
        return self.files.get(part) or tuple(part + suffix for suffix in TEXT_SUFFIXES)

    def _file(self, home: Path, part: str) -> Path | None:
        return next((path for name in self._names(part) if (path := home / name).is_file()), None)

    def _keep(self, folder: Path, name: str, write: Callable[[Path], Any]) -> None:
        target = self._home(folder) / name
        try:
            with replacing(target) as unfinished:
                write(unfinished)
        except OSError as error:
            raise UserError(f"Cannot write the data set '{self.name}' to {target.parent}: {error}.") from error

    def _from_hub(self, part: str, report: Report) -> pd.DataFrame:
        import pandas as pd

        assert self.hub is not None
        rows = []
        try:
            for row in self.hub.rows(part):
                rows.append(self.hub_row(row))
                report(part, len(rows))
            return typed(pd.DataFrame(rows), self.columns)
        except Exception as error:
            raise self._not_brought(error) from error

    def _not_brought(self, error: Exception) -> UserError:
        assert self.hub is not None
        return UserError(
            f"Cannot fetch the data set '{self.name}' from the hub ({self.hub.repository}): "
            f"{describe(error).rstrip('.')}. Without a network, put its files into the data folder and leave "
            f"{HUB_SWITCH} unset."
        )

    def hub_row(self, row: dict[str, Any]) -> dict[str, Any]:
        """Convert a row of the hub to the columns of the data set."""
        return row


def hold_out(labels: np.ndarray, rows: int, name: str) -> tuple[np.ndarray, np.ndarray]:
    """Return the row numbers to keep and those to hold out, by a fixed random draw.

    Parameters
    ----------
    labels
        (N,) classes; the numbers of rows held out per class differ by at most one.
    rows
        Number of rows to hold out.
    name
        Name of the draw; different names give different draws.
    """
    order = generator(name, "held out").permutation(len(labels))
    classes = np.unique(labels)
    shares = np.full(len(classes), rows // len(classes))
    shares[: rows % len(classes)] += 1
    held = np.concatenate([order[labels[order] == c][:share] for c, share in zip(classes, shares, strict=True)])
    return np.setdiff1d(order, held), np.sort(held)
