"""Where data sets are looked for."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

import platformdirs

from ..errors import UserError


class DataSource(Protocol):
    """A data set that lies outside the package (see `archarena.tasks.data`)."""

    @property
    def name(self) -> str:
        """Return the name by which tasks and users call it."""
        ...

    @property
    def summary(self) -> str:
        """Return one sentence: what it holds."""
        ...

    @property
    def licence(self) -> str:
        """Return what its owner allows."""
        ...

    def find(self, folder: Path) -> Path | None:
        """Return where the set lies under the data folder, or None."""
        ...

    def resolve(self, folder: Path) -> Path:
        """Return where the set lies, brought from the hub first where that is allowed.

        Raises
        ------
        UserError
            If it is not to be had: names the set, the places looked in and how to bring it.
        """
        ...

    def fetch(self, folder: Path, report: Callable[[str, int], None]) -> Path:
        """Bring what is absent from the hub; `report` is told a part's name and its rows so far."""
        ...

    def adopt(self, place: Path, folder: Path) -> Path:
        """Check the files at a place that the user names, and copy them into the data folder."""
        ...

    def missing(self, folder: Path) -> str:
        """Return the sentence that `resolve` raises."""
        ...

    def identity(self) -> dict[str, Any]:
        """Return what pins the set's content: checksums, counts."""
        ...


def data_folder(given: str | Path | None = None) -> Path:
    """Return the data folder: the one given, ``ARCHARENA_DATA``, or the user's data directory.

    Raises
    ------
    UserError
        If a folder was named and is not there.
    """
    named = given or os.environ.get("ARCHARENA_DATA")
    if not named:
        return Path(platformdirs.user_data_dir("archarena"))
    folder = Path(named).expanduser()
    if not folder.is_dir():
        where = "--data" if given else "ARCHARENA_DATA"
        raise UserError(f"{where}: there is no folder {folder}.")
    return folder.resolve()
