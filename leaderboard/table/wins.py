"""How often each row of a section is significantly better than each other row."""

from __future__ import annotations

from dataclasses import dataclass

from .sections import SectionView
from .statistics import Verdict


@dataclass(frozen=True)
class Wins:
    """Shares of columns, in the order of the rows.

    Attributes
    ----------
    shares
        ``shares[row][other]`` is the share of their comparable columns on which the row is better; None if there are
        no such columns.
    """

    names: tuple[str, ...]
    shares: tuple[tuple[float | None, ...], ...]


def wins(section: SectionView) -> Wins | None:
    """Return the shares over the first columns of tasks, or None if no rows of the section can be compared."""
    if not section.has_ties or len(section.rows) < 2:
        return None
    names = tuple(row.variant for row in section.rows)
    better = {(one, other): 0 for one in names for other in names}
    compared = dict(better)
    for column in section.first_columns.values():
        if column.comparisons is None:
            continue
        own = column.comparisons.names
        for index, reference in enumerate(own):
            for name, verdict in zip(own, column.comparisons.verdicts(index), strict=True):
                if name != reference:
                    compared[name, reference] += 1
                    better[name, reference] += verdict == Verdict.BETTER
    if not any(compared.values()):
        return None
    shares = tuple(
        tuple(better[one, other] / compared[one, other] if compared[one, other] else None for other in names)
        for one in names
    )
    return Wins(names, shares)
