"""Sample test rows of a task, which its page shows with the answers of all models."""

from __future__ import annotations

from typing import Any, ClassVar

from pydantic import BaseModel


class SampleRow(BaseModel):
    """One test row.

    Attributes
    ----------
    inputs
        The row of each input array, as nested lists.
    target
        Its target; for outputs per position, those of the scored positions.
    positions
        The scored positions; empty if the row has one output.
    first
        Index of the row's first prediction.
    """

    row: int
    inputs: dict[str, Any]
    target: Any
    positions: list[int] = []
    first: int


class SampleCard(BaseModel):
    """Sample rows of a task at one tier; they are the same for all seeds.

    Attributes
    ----------
    shown_as, names
        See `archarena.harness.contract.task.Task`.
    predictions
        Name of the prediction array that belongs to the rows.
    """

    folder: ClassVar = "samples"

    task: str
    tier: str
    shown_as: str
    names: list[str] = []
    predictions: str
    rows: list[SampleRow]

    @property
    def identity(self) -> tuple[str, ...]:
        """Return the task and the tier, which are unique among sample cards."""
        return self.task, self.tier
