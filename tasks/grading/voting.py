"""Majority voting over several samples per problem, and pass@k."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence

from .canonical import canonical


def majority(answers: Sequence[str | None]) -> str | None:
    """Return the first answer of the largest equivalence class, or None if there is no answer.

    Answers are equivalent if their canonical forms are equal. Samples without an answer do not vote.
    Ties go to the class that appears first.
    """
    given = [(answer, canonical(answer)) for answer in answers if answer is not None]
    if not given:
        return None
    votes = Counter(form for _, form in given)
    winner = max(votes, key=votes.__getitem__)
    return next(answer for answer, form in given if form == winner)


def pass_at_k(samples: int, right: int, k: int) -> float:
    """Return the unbiased estimate of the probability that at least one of `k` samples is correct.

    ``1 - C(samples - right, k) / C(samples, k)`` (Chen et al. 2021, arXiv:2107.03374).

    Raises
    ------
    ValueError
        If `k` is larger than `samples`.
    """
    if not 0 < k <= samples:
        raise ValueError(f"pass@{k} needs at least {k} samples, found {samples}.")
    return 1.0 - math.comb(samples - right, k) / math.comb(samples, k)
