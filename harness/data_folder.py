"""Where data sets are looked for."""

from __future__ import annotations

import os
from pathlib import Path

import platformdirs

from .errors import UserError


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
