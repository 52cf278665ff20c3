"""Data sets from the Hugging Face hub, read with `datasets` if the user allows it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

HUB_SWITCH = "ARCHARENA_HUB"
"""Environment variable; ``1`` allows fetching missing data sets from the Hugging Face hub."""


@dataclass(frozen=True)
class Hub:
    """Location of a data set on the Hugging Face hub.

    Attributes
    ----------
    repository
        ``owner/name``, or a local folder in the hub's layout.
    configurations
        Configurations that make up the data set; None is the default one.
    parts
        Name of each part's split on the hub, if it differs.
    folder, revision
        Folder inside the repository, and its branch; None for the defaults.
    archive
        A zip file in the repository with all parts, for data sets fetched as files.
    """

    repository: str
    configurations: tuple[str | None, ...] = (None,)
    parts: Mapping[str, str] = field(default_factory=dict)
    folder: str | None = None
    revision: str | None = None
    archive: str = ""

    def rows(self, part: str) -> Iterator[dict[str, Any]]:
        """Stream the rows of a part."""
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
        """Download the archive into the hub's cache, with a progress bar, and return its path."""
        from datasets import DownloadManager

        local = Path(self.repository) / self.archive
        place = str(local) if local.is_file() else f"hf://datasets/{self.repository}/{self.archive}"
        return Path(str(DownloadManager().download(place)))
