"""Which rows of a column need more seeds until its top is settled: a race with an error budget.

Seeds are added until the best row is decided against every other one. Looking after each addition at the 5 % level
would find differences where there are none in more than 5 % of columns. So each look may spend an equal share of the
budget (Bonferroni over looks), and Holm's correction covers the rivals of one look. ``tests/benchmarks/racing.py``
measures the error rate.
"""

from __future__ import annotations

import numpy as np

from .column import Column
from .exact import CONFIDENCE
from .power import NEVER, more_seeds
from .verdicts import Verdict, Verdicts

LOOKS = (2, 3, 5, 8, 12)
"""Numbers of seeds after which a column is looked at; there are no further seeds."""

LEVEL = (1 - CONFIDENCE) / len(LOOKS)
"""Share of columns without differences in which one look may find one."""


def needed_seeds(column: Column) -> dict[str, int]:
    """Return the rows that need more seeds to settle the top of a column, with the number of seeds for the next look.

    The top is settled if every other row is behind the best, tied with it, or cannot be separated from it without
    more test rows or more seeds than the last look has.
    """
    names, seeds = column.names, column.seeds
    if (seeds < LOOKS[0]).any():
        return {name: LOOKS[0] for name, own in zip(names, seeds, strict=True) if own < LOOKS[0]}
    first, rivals = _top(column)
    if not rivals:
        return {}
    behind = min(seeds[i] for i in (first, *rivals))
    target = next((look for look in LOOKS if look > behind), None)
    return {names[i]: target for i in (first, *rivals) if seeds[i] < target} if target else {}


def seeds_to_settle(column: Column) -> int:
    """Return about how many more seeds decide the first of the open pairs of the best row."""
    first, rivals = _top(column)
    return min((more_seeds(column, first, rival) for rival in rivals), default=1)


def _top(column: Column) -> tuple[int, list[int]]:
    """Return the best row, and the rows that more seeds may tell from it."""
    verdicts = Verdicts(column, LEVEL)
    first = int(np.argmax(verdicts.best))
    rivals = [
        i
        for i, verdict in enumerate(verdicts.against(first))
        if i != first and verdict not in (Verdict.WORSE, Verdict.TIED) and more_seeds(column, first, i) != NEVER
    ]
    return first, rivals
