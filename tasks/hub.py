"""The Hugging Face hub as a source of data sets, read through `datasets` where the user allows it."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

HUB_SWITCH = "ARCHARENA_HUB"
"""Environment variable; ``1`` lets absent sets be brought from the Hugging Face hub."""


def is_allowed() -> bool:
    """Return whether the user lets the hub be asked."""
    return os.environ.get(HUB_SWITCH) == "1"


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
    folder, revision
        A folder inside the repository, and a branch, where they are not the default.
    archive
        A zip file of the repository that holds all parts, for sets that are brought as files.
    """

    repository: str
    configurations: tuple[str | None, ...] = (None,)
    parts: Mapping[str, str] = field(default_factory=dict)
    folder: str | None = None
    revision: str | None = None
    archive: str = ""

    def rows(self, part: str) -> Iterator[dict[str, Any]]:
        """Yield the rows of a part, streamed."""
        from datasets import load_dataset

        for configuration in self.configurations:
            yield from load_dataset(
                self.repository,
                configuration,
                data_dir=self.folder,
                revision=self.revision,
                split=self.parts.get(part, part),
                streaming=True,
            )

    def download(self) -> Path:
        """Return the archive, brought into the hub's own cache with progress."""
        from datasets import DownloadManager

        local = Path(self.repository) / self.archive
        place = str(local) if local.is_file() else f"hf://datasets/{self.repository}/{self.archive}"
        return Path(str(DownloadManager().download(place)))
