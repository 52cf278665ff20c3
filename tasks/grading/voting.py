"""From several samples a problem to one answer, and what sampling again is worth."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence

from .canonical import canonical


def majority(answers: Sequence[str | None]) -> str | None:
    """Return the first answer of the largest class of equivalents, or None where there is no answer.

    Answers are equivalent if their canonical forms agree. Samples without an answer do not vote,
    and of classes as large the one that came first wins.
    """
    given = [(answer, canonical(answer)) for answer in answers if answer is not None]
    if not given:
        return None
    votes = Counter(form for _, form in given)
    winner = max(votes, key=votes.__getitem__)
    return next(answer for answer, form in given if form == winner)


def pass_at_k(samples: int, right: int, k: int) -> float:
    """Return the unbiased estimate that at least one of `k` samples is right.

    ``1 - C(samples - right, k) / C(samples, k)`` (Chen et al. 2021, arXiv:2107.03374).

    Raises
    ------
    ValueError
        If `k` is more than the samples there are.
    """
    if not 0 < k <= samples:
        raise ValueError(f"pass@{k} needs at least {k} samples, found {samples}.")
    return 1.0 - math.comb(samples - right, k) / math.comb(samples, k)
