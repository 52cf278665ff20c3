"""Removing this machine's paths from what a record contains."""

from __future__ import annotations

import re
import sys
from collections.abc import Sequence
from pathlib import Path


def relative(file: Path) -> str:
    """Return a plugin's path as a record names it: relative to the working directory, or else only its name."""
    place = file.resolve()
    return str(place.relative_to(Path.cwd())) if place.is_relative_to(Path.cwd()) else place.name


def without_own_paths(text: str, folders: Sequence[Path] = ()) -> str:
    """Return a text in which paths start in a well-known folder, not at the root of this machine's file system.

    Parameters
    ----------
    folders
        Folders whose paths are removed altogether, such as those of the plugins and of the results.
    """
    removed = [str(place) for folder in (*folders, Path.cwd()) for place in (folder.absolute(), folder.resolve())]
    for place in sorted({place for place in removed if place != "/"}, key=len, reverse=True):
        text = text.replace(f"{place}/", "")
    text = re.sub(r"[^\s\"'(]*/site-packages/", "site-packages/", text)
    for place, name in ((sys.prefix, "python"), (sys.base_prefix, "python"), (str(Path.home()), "~")):
        text = text.replace(f"{place}/", f"{name}/") if place != "/" else text
    return text
