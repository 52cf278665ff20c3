"""Files of a results folder's ``work/``: the description of prepared arrays, and the progress of a trial."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, Field

from .cards import ReferenceCard


class PreparedMeta(BaseModel):
    """The content of ``meta.json`` in a folder of prepared arrays.

    `spec` is the task's specification as JSON values, `rows` the number of rows of ``train``, ``valid`` and each
    test set, `checksum` the SHA-256 of the arrays' content, `files` the SHA-256 of each file by its path in the
    folder; `reference_scores` is None if they were not computed.
    """

    spec: dict[str, Any]
    rows: dict[str, int]
    checksum: str
    files: dict[str, str] = Field(default_factory=dict)
    reference_scores: list[ReferenceCard] | None = None


class TrialProgress(BaseModel):
    """The content of ``progress.json``: the fraction of a trial's steps that is done, and the seconds it took."""

    fraction: float = Field(default=0.0, ge=0, le=1)
    seconds: float = Field(default=0.0, ge=0, allow_inf_nan=False)
