"""Paths of the pages, relative to the root of the site."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TypeVar

from ..harness.files import slug

Key = TypeVar("Key")
LONGEST = 80
"""Maximum length of a file name; long names would exceed the limit of the file system."""


@dataclass(frozen=True)
class Links:
    """Pages by the names of models and tasks."""

    models: Mapping[str, str]
    tasks: Mapping[str, str]

    @classmethod
    def of(cls, models: Iterable[str], tasks: Iterable[str]) -> Links:
        """Return the links of a site for these models and tasks."""
        return cls(
            unique_pages("models", {name: slug(name) for name in sorted(set(models))}),
            unique_pages("tasks", {name: slug(name) for name in sorted(set(tasks))}),
        )


def unique_pages(folder: str, stems: Mapping[Key, str]) -> dict[Key, str]:
    """Return a page per key. If two stems are equal, a hash of the key makes the later ones unique."""
    found: dict[Key, str] = {}
    taken: set[str] = set()
    for key, stem in stems.items():
        name = stem[:LONGEST]
        if name.lower() in taken:
            name = f"{name}-{hashlib.sha256(repr(key).encode('utf-8', 'backslashreplace')).hexdigest()[:12]}"
        taken.add(name.lower())
        found[key] = f"{folder}/{name}.html"
    return found
