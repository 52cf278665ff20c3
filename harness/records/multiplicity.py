"""How differently models decide whose scores are nearly equal (predictive multiplicity).

Hsu et al. 2024, arXiv:2402.00728. All measures grow with the models looked at: of a sample, they
are lower bounds of what all near-equals would show.
"""

from __future__ import annotations

import numpy as np


def multiplicity(decisions: np.ndarray, classes: int) -> tuple[float, float, float]:
    """Return ambiguity, discrepancy and mean disagreement.

    Ambiguity is the share of rows on which any model decides otherwise than the first,
    discrepancy the largest share on which a single one does.

    Parameters
    ----------
    decisions
        (models, rows) classes; the first model is the one that the others are compared with.
    """
    differs = decisions[1:] != decisions[0]
    ambiguity = float(differs.any(0).mean()) if len(differs) else 0.0
    discrepancy = float(differs.mean(1).max()) if len(differs) else 0.0
    return ambiguity, discrepancy, float(disagreement(decisions, classes).mean())


def disagreement(decisions: np.ndarray, classes: int) -> np.ndarray:
    """Return (rows,) how far the decisions are from unanimous: 0 all alike, 1 spread evenly over the classes.

    It is ``(1 - sum_c p_c**2) * classes / (classes - 1)`` with p_c the share that decides for c;
    of two classes ``4 mu (1 - mu)``.
    """
    shares = np.stack([(decisions == one).mean(0) for one in range(classes)])
    return (1 - (shares**2).sum(0)) * classes / (classes - 1)


def viable_range(scores: np.ndarray) -> np.ndarray:
    """Return (rows,) the span, largest less smallest, of the models' scores (models, rows) of the true class."""
    return scores.max(0) - scores.min(0)
