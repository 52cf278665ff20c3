"""The single file of enwik8, raw or zipped."""

from __future__ import annotations

import hashlib
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

WORDS = np.array(["the", "of", "and", "anarchism", "in", "page", "title", "revision", "[[philosophy]]", "&quot;"])


def enwik8(folder: Path, rows: Mapping[str, int]) -> dict[str, Any]:
    """Write the given number of bytes, as words."""
    count = rows["train"]
    words = np.random.default_rng(0).choice(WORDS, count // 2)
    return write(folder, " ".join(words.tolist()).encode()[:count])


def write(folder: Path, content: bytes, *, packed: bool = False) -> dict[str, Any]:
    """Write the given content."""
    home = folder / "enwik8"
    home.mkdir(parents=True)
    if packed:
        with zipfile.ZipFile(home / "enwik8.zip", "w") as archive:
            archive.writestr("enwik8", content)
    else:
        (home / "enwik8").write_bytes(content)
    return {"checksums": {"train": hashlib.sha256(content).hexdigest()}}
