"""External data sets and the folder that stores them."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

import platformdirs

from ..errors import UserError

FETCH_SECONDS = 24 * 3600.0
"""Time limit where code of a plugin may fetch a data source."""


class DataSource(Protocol):
    """An external data set (see `archarena.harness.DataSet`)."""

    @property
    def name(self) -> str:
        """Return the name that tasks and users refer to it by."""
        ...

    @property
    def summary(self) -> str:
        """Return a one-sentence description of its content."""
        ...

    @property
    def license(self) -> str:
        """Return the terms of use."""
        ...

    def find(self, folder: Path) -> Path | None:
        """Return its path in the data folder, or None if it is absent."""
        ...

    def resolve(self, folder: Path) -> Path:
        """Return its path in the data folder, fetching it from the hub first if that is allowed.

        Raises
        ------
        UserError
            If it is unavailable. The message names the data set, the places searched and how to fetch it.
        """
        ...

    def fetch(self, folder: Path, report: Callable[[str, int], None]) -> Path:
        """Fetch the missing parts from the hub; `report` receives a part's name and its row count so far."""
        ...

    def adopt(self, place: Path, folder: Path) -> Path:
        """Check the files at a user-supplied path and copy them into the data folder."""
        ...

    def missing(self, folder: Path) -> str:
        """Return the error message that `resolve` raises."""
        ...

    def identity(self) -> dict[str, Any]:
        """Return the checksums and counts that identify its content."""
        ...


class MissingDataError(UserError):
    """A data set that a task needs is not in the data folder, and may not be fetched."""


def data_folder(given: str | Path | None = None, *, create: bool = False) -> Path:
    """Return the data folder: `given`, ``ARCHARENA_DATA``, or the user's data directory.

    Raises `UserError` if the named folder does not exist, unless `create` is set.
    """
    named = given or os.environ.get("ARCHARENA_DATA")
    if not named:
        return Path(platformdirs.user_data_dir("archarena"))
    folder = Path(named).expanduser()
    if create:
        folder.mkdir(parents=True, exist_ok=True)
    if not folder.is_dir():
        where = "--data" if given else "ARCHARENA_DATA"
        raise UserError(f"{where}: folder {folder} does not exist.")
    return folder.resolve()
