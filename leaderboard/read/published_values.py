"""Published values: scores from papers and repositories, stored in ``published/SUITE.json``.

A file is a list of tables; each table cites one paper or repository and describes one protocol. The
values of a row follow the order of the table's columns and use the unit of the leaderboard's column
of that name (accuracies as fractions). null means that the run failed or was not reported. Values
come from the cited text, or from a copy that `caveat` names.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, model_validator

FOLDER = Path(__file__).with_name("published")


@dataclass(frozen=True)
class PublishedValue:
    """One score of one variant; `value` is None if the run failed or was not reported."""

    variant: str
    column: str
    value: float | None
    citation: str
    protocol: str
    caveat: str = ""


class _Table(BaseModel):
    model_config = ConfigDict(extra="forbid")

    citation: str = Field(min_length=1)
    protocol: str = Field(min_length=1)
    caveat: str = ""
    columns: list[str] = Field(min_length=1)
    notes: dict[str, str] = {}
    rows: dict[str, list[float | None]] = Field(min_length=1)

    @model_validator(mode="after")
    def _check(self) -> _Table:
        if len(set(self.columns)) < len(self.columns):
            raise ValueError("a column is listed twice")
        for variant, values in self.rows.items():
            if len(values) != len(self.columns):
                raise ValueError(f"row '{variant}' has {len(values)} entries for {len(self.columns)} columns")
        for variant in self.notes:
            if variant not in self.rows:
                raise ValueError(f"there is a note for '{variant}', but no row")
        return self

    def values(self) -> list[PublishedValue]:
        return [
            PublishedValue(variant, column, value, self.citation, self.protocol, self._caveat(variant))
            for variant, values in self.rows.items()
            for column, value in zip(self.columns, values, strict=True)
        ]

    def _caveat(self, variant: str) -> str:
        return " ".join(filter(None, (self.caveat, self.notes.get(variant, ""))))


class _File(BaseModel):
    model_config = ConfigDict(extra="forbid")

    tables: list[_Table]


def read_published(folder: Path = FOLDER) -> tuple[PublishedValue, ...]:
    """Return all published values, in the order of the files.

    Raises
    ------
    pydantic.ValidationError
        If a file does not have the format described above.
    """
    files = (_File.model_validate_json(path.read_bytes()) for path in sorted(folder.glob("*.json")))
    return tuple(value for file in files for table in file.tables for value in table.values())
