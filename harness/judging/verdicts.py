"""The verdict on each pair of a column, and who may be first."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property

import numpy as np

from .column import Column
from .exact import CONFIDENCE
from .power import NEVER, more_seeds


class Verdict(StrEnum):
    """Result of the comparison of a row with a reference row."""

    BETTER = "+"
    """Also after training again, and on other test rows."""
    WORSE = "-"
    BETTER_HERE = ">"
    """As trained, on other test rows; there are too few seeds to say whether training again would change it."""
    WORSE_HERE = "<"
    TIED = "="
    """They differ by less than the margin."""
    UNKNOWN = "?"
    """Neither a difference was found nor that there is none."""


class Standing(StrEnum):
    """Standing of a row in a column."""

    BEST = "best"
    LEADING = "leading"
    """The best mean, if no comparison is decided over seeds."""
    TIED = "tied"
    """Differs from the best mean by less than the margin."""
    UNDECIDED = "undecided"
    """May be first: neither a difference to the best mean was found nor that there is none."""
    BEHIND_HERE = "behind-here"
    """Behind the best as trained."""
    BEHIND = "behind"


@dataclass(frozen=True, eq=False)
class Verdicts:
    """Verdicts on all pairs of a column, each with Holm's correction over the comparisons with one reference.

    `level` is the share of columns without differences in which a difference may be found.
    """

    column: Column
    level: float = 1 - CONFIDENCE

    def against(self, reference: int) -> Sequence[Verdict]:
        """Return the verdict on each row against row number `reference`."""
        return self._all[reference]

    @cached_property
    def _all(self) -> tuple[list[Verdict], ...]:
        return tuple(self._against(reference) for reference in range(len(self.column.names)))

    def _against(self, reference: int) -> list[Verdict]:
        column = self.column
        differs = holm(column.p_values[reference]) <= self.level
        differs_here = holm(column.row_p_values[reference]) <= self.level
        ahead = (column.gaps[:, reference] > 0) == column.higher
        found = np.full(len(column.names), Verdict.UNKNOWN, object)
        found[differs_here] = np.where(ahead, Verdict.BETTER_HERE, Verdict.WORSE_HERE)[differs_here]
        found[differs] = np.where(ahead, Verdict.BETTER, Verdict.WORSE)[differs]
        found[column.ties[reference]] = Verdict.TIED
        found[reference] = Verdict.TIED
        return [Verdict(verdict) for verdict in found.tolist()]

    @cached_property
    def best(self) -> np.ndarray:
        """Return which rows have the best mean: several if they are equal."""
        signed = self.column.means if self.column.higher else -self.column.means
        return np.isclose(signed, signed.max(), rtol=1e-12, atol=1e-15)

    def standings(self) -> dict[str, Standing]:
        """Return the standing of each row."""
        first = int(np.argmax(self.best))
        verdicts = self.against(first)
        is_decided = any(verdict == Verdict.WORSE for verdict in verdicts) or self._ties_with(first)
        words = {
            Verdict.TIED: Standing.TIED,
            Verdict.WORSE: Standing.BEHIND,
            Verdict.WORSE_HERE: Standing.BEHIND_HERE,
        }
        return {
            name: (Standing.BEST if is_decided else Standing.LEADING)
            if is_best
            else words.get(verdict, Standing.UNDECIDED)
            for name, is_best, verdict in zip(self.column.names, self.best, verdicts, strict=True)
        }

    def _ties_with(self, row: int) -> bool:
        others = np.delete(self.column.ties[row], row)
        return bool(others.any())

    def seeds_needed(self, one: int, other: int) -> int | None:
        """Return about how many more seeds of both decide a pair: None if it is, `NEVER` if only more rows can."""
        if one == other or self.against(other)[one] in (Verdict.BETTER, Verdict.WORSE, Verdict.TIED):
            return None
        return more_seeds(self.column, one, other)


def words(verdict: Verdict, needed: int | None) -> str:
    """Return a verdict as text, with what would decide it."""
    plain = {
        Verdict.BETTER: "better",
        Verdict.WORSE: "worse",
        Verdict.TIED: "tied: the difference is below the margin",
        Verdict.BETTER_HERE: "better on these rows",
        Verdict.WORSE_HERE: "worse on these rows",
        Verdict.UNKNOWN: "no difference found",
    }[verdict]
    if needed is None:
        return plain
    if needed == NEVER:
        return f"{plain}; needs more test rows"
    if verdict is Verdict.UNKNOWN:
        return f"{plain}; {count(needed)} would decide it"
    return f"{plain}; {count(needed)} would tell whether training again changes it"


def count(seeds: int) -> str:
    """Return a number of seeds as text."""
    return "about 1 more seed" if seeds == 1 else f"about {seeds} more seeds"


def holm(p_values: np.ndarray) -> np.ndarray:
    """Return p values adjusted by Holm's step-down procedure (1979); NaN stays and does not count.

    The result equals that of statsmodels, which is slow because it collects garbage on every call.
    """
    order = np.argsort(p_values)
    remaining = np.count_nonzero(~np.isnan(p_values)) - np.arange(len(p_values))
    adjusted = np.full(len(p_values), np.nan)
    adjusted[order] = np.minimum(1, np.maximum.accumulate(p_values[order] * remaining))
    return adjusted
