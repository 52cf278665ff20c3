"""Numbers from papers and repositories, to lay beside ours: ``published/SUITE.json``.

A file holds tables, each from one source and under one protocol. A row's entries stand under the
table's columns, in the unit of our column of that name (accuracies as fractions); null stands for
a run that its source reports as failed or leaves out. Only figures that were read in their source,
or in a copy of it that `caveat` names, are kept.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, model_validator

FOLDER = Path(__file__).with_name("published")


@dataclass(frozen=True)
class PublishedResult:
    """One number of one variant, or None where the source reports a failure or nothing."""

    variant: str
    column: str
    value: float | None
    source: str
    protocol: str
    caveat: str = ""


class _Table(BaseModel):
    model_config = ConfigDict(extra="forbid")

    source: str = Field(min_length=1)
    protocol: str = Field(min_length=1)
    caveat: str = ""
    columns: list[str] = Field(min_length=1)
    notes: dict[str, str] = {}
    rows: dict[str, list[float | None]] = Field(min_length=1)

    @model_validator(mode="after")
    def _check(self) -> _Table:
        if len(set(self.columns)) < len(self.columns):
            raise ValueError("a column is named twice")
        for variant, values in self.rows.items():
            if len(values) != len(self.columns):
                raise ValueError(f"row '{variant}' has {len(values)} entries for {len(self.columns)} columns")
        for variant in self.notes:
            if variant not in self.rows:
                raise ValueError(f"a note is about '{variant}', which has no row")
        return self

    def results(self) -> list[PublishedResult]:
        return [
            PublishedResult(variant, column, value, self.source, self.protocol, self._caveat(variant))
            for variant, values in self.rows.items()
            for column, value in zip(self.columns, values, strict=True)
        ]

    def _caveat(self, variant: str) -> str:
        return " ".join(filter(None, (self.caveat, self.notes.get(variant, ""))))


class _File(BaseModel):
    model_config = ConfigDict(extra="forbid")

    tables: list[_Table]


def read_published(folder: Path = FOLDER) -> tuple[PublishedResult, ...]:
    """Return all published numbers, in the order of the files.

    Raises
    ------
    pydantic.ValidationError
        If a file is not what this module's docstring says.
    """
    files = (_File.model_validate_json(path.read_bytes()) for path in sorted(folder.glob("*.json")))
    return tuple(result for file in files for table in file.tables for result in table.results())
