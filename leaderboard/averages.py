"""Averages over the columns of a suite, defined in ``averages.json``.

Published averages of the Long Range Arena are of two kinds that must not be mixed: the mean of
five tasks, and the mean of six in which a failed Path-X counts as a guess.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

FILE = Path(__file__).with_name("averages.json")


class Average(BaseModel):
    """A column computed from others.

    Attributes
    ----------
    failed
        The score that stands for a column whose trials failed; a column that is not named here
        must have a score.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    column: str
    columns: tuple[str, ...]
    summary: str
    failed: Mapping[str, float] = Field(default_factory=dict)

    def of(self, scores: Mapping[str, float | None]) -> tuple[float, tuple[str, ...]] | None:
        """Return the mean, and the columns that count as failed; None where one was not run.

        Parameters
        ----------
        scores
            Scores by column; None for one that was run and failed.
        """
        if any(column not in scores for column in self.columns):
            return None
        failed = tuple(column for column in self.columns if scores[column] is None)
        if any(column not in self.failed for column in failed):
            return None
        values = [self.failed[column] if column in failed else scores[column] for column in self.columns]
        return sum(value for value in values if value is not None) / len(values), failed


def read_averages(file: Path = FILE) -> tuple[Average, ...]:
    """Return the averages that a board may show."""
    return tuple(TypeAdapter(list[Average]).validate_json(file.read_bytes()))
