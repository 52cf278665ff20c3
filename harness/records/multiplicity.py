"""Predictive multiplicity: how differently models of nearly equal score decide.

See Hsu et al. 2024, arXiv:2402.00728. Ambiguity, discrepancy and viable range grow with the number
of models, so values from a sample of models are lower bounds.
"""

from __future__ import annotations

import numpy as np


def multiplicity(decisions: np.ndarray, classes: int) -> tuple[float, float, float]:
    """Return ambiguity, discrepancy and mean disagreement.

    Ambiguity is the fraction of rows on which any model disagrees with the first; discrepancy is the
    largest fraction on which a single model does.

    Parameters
    ----------
    decisions
        (models, rows) predicted classes; the first model is the reference.
    """
    differs = decisions[1:] != decisions[0]
    ambiguity = float(differs.any(0).mean()) if len(differs) else 0.0
    discrepancy = float(differs.mean(1).max()) if len(differs) else 0.0
    return ambiguity, discrepancy, float(disagreement(decisions, classes).mean())


def disagreement(decisions: np.ndarray, classes: int) -> np.ndarray:
    """Return (rows,) disagreement: 0 if all models agree, 1 if decisions are spread evenly over the classes.

    It is ``(1 - sum_c p_c**2) * classes / (classes - 1)`` with p_c the fraction of models that
    choose class c; for two classes, ``4 mu (1 - mu)``.
    """
    shares = np.stack([(decisions == one).mean(0) for one in range(classes)])
    return (1 - (shares**2).sum(0)) * classes / (classes - 1)


def viable_range(scores: np.ndarray) -> np.ndarray:
    """Return (rows,) the maximum minus the minimum over models of the true class's scores (models, rows)."""
    return scores.max(0) - scores.min(0)
