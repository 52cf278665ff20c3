"""Where real data comes from: the data folder, or the Hugging Face hub where that is allowed.

Tasks made by code need none of this. A set lies under the data folder as
``<folder>/<set>/<part>.<suffix>``; the suffix tells the format. Its content is pinned by a
checksum over canonical rows, so that a repack (another format, another order of rows) is accepted
and a change is not. Nothing stands in for a set that is absent.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ..harness.errors import UserError
from ..harness.registry import describe
from ..harness.seeds import generator
from .table_files import TEXT_SUFFIXES, read_table, typed

if TYPE_CHECKING:
    import pandas as pd

HUB_SWITCH = "ARCHARENA_HUB"
"""Environment variable; ``1`` lets absent sets be brought from the Hugging Face hub."""


@dataclass(frozen=True)
class Hub:
    """Where the Hugging Face hub holds a set.

    Attributes
    ----------
    repository
        ``owner/name``, or a local folder in the hub's layout.
    configurations
        Configurations that together make the set; None is the default one.
    parts
        The hub's split of each part, where it is named otherwise.
    """

    repository: str
    configurations: tuple[str | None, ...] = (None,)
    parts: Mapping[str, str] = field(default_factory=dict)


@dataclass(eq=False)
class DataSet:
    """A table in parts, pinned by checksums; implements `archarena.harness.task.DataSource`.

    Attributes
    ----------
    name
        What commands and messages call it.
    summary, licence
        What it is and who made it; under which terms it may be used.
    columns
        The columns that are read and pinned, with their types.
    checksums
        What `canonical` must give for each part.
    files
        File names of a part under the set's folder, in the order they are looked for; by default
        the part's name with any of the known suffixes.
    folder
        Name of the set's folder under the data folder; by default the set's name.
    """

    name: str
    summary: str
    licence: str
    columns: Mapping[str, type]
    checksums: Mapping[str, str]
    files: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    folder: str = ""
    hub: Hub | None = None

    def __post_init__(self) -> None:
        names = [self.name, self.folder or self.name, *(name for part in self.checksums for name in self._names(part))]
        if not all(re.fullmatch(r"\w[\w.-]*", name) for name in names):
            raise ValueError(f"The names of data set '{self.name}' must be plain file names, not paths: {names}.")

    def identity(self) -> dict[str, Any]:
        """Return what pins the set's content."""
        return {"checksums": dict(self.checksums)}

    def find(self, folder: Path) -> Path | None:
        """Return the set's folder under the data folder if it holds every part, or None."""
        return self._home(folder) if all(self._file(folder, part) for part in self.checksums) else None

    def missing(self, folder: Path) -> str:
        """Return the sentence that names the set, the places looked in and how to bring it."""
        wanted = " and ".join(
            f"{self._names(part)[0]} (or {', '.join(self._names(part)[1:])})"
            for part in self.checksums
            if self._file(folder, part) is None
        )
        hub = f", or set {HUB_SWITCH}=1 to have it brought from the hub ({self.hub.repository})" if self.hub else ""
        return (
            f"The data set '{self.name}' ({self.summary}) is not at hand: {self._home(folder)} lacks {wanted}. "
            f"Put it there, or name the folder that holds {self._home(Path('DIR'))} with --data DIR or "
            f"ARCHARENA_DATA=DIR{hub}."
        )

    def resolve(self, folder: Path) -> Path:
        """Return the set's folder, brought from the hub first if it is absent and that is allowed.

        Raises
        ------
        UserError
            If it is neither there nor to be had.
        """
        home = self.find(folder)
        if home is None and self.hub and os.environ.get(HUB_SWITCH) == "1":
            for part in self.checksums:
                self._fetch(folder, part)
            home = self.find(folder)
        if home is None:
            raise UserError(self.missing(folder))
        return home

    def read(self, folder: Path, part: str) -> pd.DataFrame:
        """Return the rows of a part, in canonical order and checked.

        Raises
        ------
        UserError
            If the set is absent, unreadable, or not what is pinned.
        """
        self.resolve(folder)
        path = self._file(folder, part)
        assert path is not None
        try:
            table = read_table(path, self.columns)
        except Exception as error:
            raise UserError(f"Cannot read {path} of the data set '{self.name}': {describe(error)}.") from error
        return self._checked(table, part, str(path))

    def canonical(self, table: pd.DataFrame) -> tuple[pd.DataFrame, str]:
        """Return the rows in canonical order, and their checksum."""
        columns = [table[name].tolist() for name in self.columns]
        lines = [json.dumps(row, ensure_ascii=False, separators=(",", ":")) for row in zip(*columns, strict=True)]
        order = sorted(range(len(lines)), key=lines.__getitem__)
        text = "\n".join(lines[row] for row in order)
        return table.iloc[order].reset_index(drop=True), hashlib.sha256(text.encode()).hexdigest()

    def _checked(self, table: pd.DataFrame, part: str, place: str) -> pd.DataFrame:
        table, checksum = self.canonical(table)
        if checksum != self.checksums[part]:
            raise UserError(
                f"{place} is not the {part} part of the data set '{self.name}': its {len(table)} rows have the "
                f"checksum {checksum[:12]}, but {self.checksums[part][:12]} is pinned. Replace it with the original."
            )
        return table

    def _home(self, folder: Path) -> Path:
        return folder / (self.folder or self.name)

    def _names(self, part: str) -> tuple[str, ...]:
        return self.files.get(part) or tuple(part + suffix for suffix in TEXT_SUFFIXES)

    def _file(self, folder: Path, part: str) -> Path | None:
        return next((path for name in self._names(part) if (path := self._home(folder) / name).is_file()), None)

    def _fetch(self, folder: Path, part: str) -> None:
        """Bring a part from the hub into the data folder, checked, whole or not at all."""
        assert self.hub is not None
        table = self._checked(self._from_hub(part), part, f"The hub's {self.hub.repository}")
        target = self._home(folder) / f"{part}.parquet"
        unfinished = target.with_suffix(f".{os.getpid()}.part")
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            table.to_parquet(unfinished)
            unfinished.replace(target)
        except OSError as error:
            raise UserError(f"Cannot write the data set '{self.name}' to {target.parent}: {error}.") from error
        finally:
            unfinished.unlink(missing_ok=True)

    def _from_hub(self, part: str) -> pd.DataFrame:
        import pandas as pd

        assert self.hub is not None
        try:
            from datasets import load_dataset

            rows = [
                row
                for configuration in self.hub.configurations
                for row in load_dataset(
                    self.hub.repository, configuration, split=self.hub.parts.get(part, part), streaming=True
                )
            ]
            return typed(pd.DataFrame(rows), self.columns)
        except Exception as error:
            raise UserError(
                f"The data set '{self.name}' cannot be brought from the hub ({self.hub.repository}): "
                f"{describe(error).rstrip('.')}. Without a network, put its files into the data folder and leave "
                f"{HUB_SWITCH} unset."
            ) from error


def hold_out(labels: np.ndarray, rows: int, name: str) -> tuple[np.ndarray, np.ndarray]:
    """Return the row numbers that stay and those held out, a draw that never changes.

    Parameters
    ----------
    labels
        (N,) classes; each gives the same number of rows, up to one.
    rows
        How many rows to hold out.
    name
        What the draw is for; another name gives another draw.
    """
    order = generator(name, "held out").permutation(len(labels))
    classes = np.unique(labels)
    shares = np.full(len(classes), rows // len(classes))
    shares[: rows % len(classes)] += 1
    held = np.concatenate([order[labels[order] == c][:share] for c, share in zip(classes, shares, strict=True)])
    return np.setdiff1d(order, held), np.sort(held)
