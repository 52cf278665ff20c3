"""Predictive multiplicity of the runs on one task: how differently runs of nearly equal score decide.

The runs within a small distance of the best score are a sample of the Rashomon set, so the results are lower bounds on
those of the whole set (Hsu et al. 2024, arXiv:2402.00728).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load

from ...harness.contract.metrics import sign
from ...harness.errors import UserError
from ...harness.records.cards import TaskCard
from ...harness.records.multiplicity import multiplicity
from ...harness.records.record import Record
from ..read.results import Results

EPSILONS = (0.01, 0.02, 0.05)
"""Distances to the best score, in the unit of the column."""
MOST_DISPUTED = 12


@dataclass(frozen=True)
class NearBest:
    """Multiplicity of the runs within `epsilon` of the best score (`archarena.harness.records.multiplicity`)."""

    epsilon: float
    runs: int
    variants: tuple[str, ...]
    ambiguity: float
    discrepancy: float
    disagreement: float


@dataclass(frozen=True)
class TaskMultiplicity:
    """Multiplicity on one task in one section.

    Attributes
    ----------
    rows
        Number of test rows.
    pairs
        Mean fraction of rows on which runs of two variants differ, by the two variants.
    disputed
        Numbers of the rows on which runs differ most.
    """

    rows: int
    steps: tuple[NearBest, ...]
    variants: tuple[str, ...]
    pairs: Mapping[tuple[str, str], float]
    disputed: tuple[int, ...]


def task_multiplicity(
    records: Sequence[Record], column: str, card: TaskCard, results: Results
) -> TaskMultiplicity | None:
    """Return the multiplicity on a classification task, or None if fewer than two runs stored their predictions.

    Parameters
    ----------
    records
        Runs of one task in one section.
    column
        Column of the scores that define the distance to the best run.
    """
    outputs = card.spec.get("outputs", {})
    classes = {"Binary": 2, "Classes": outputs.get("n", 0)}.get(str(outputs.get("kind", "")), 0)
    scored = [record for record in records if record.status == "ok" and column in record.scores] if classes else []
    runs = [(record, record.scores[column].value, _decisions(record, results)) for record in scored]
    kept = [(record, value, chosen) for record, value, chosen in runs if value is not None and chosen is not None]
    if len({len(decided) for _, _, decided in kept}) != 1 or len(kept) < 2:
        return None
    direction = scored[0].scores[column].direction
    kept.sort(key=lambda run: -sign(direction) * run[1])
    names, values = [record.cell.variant for record, _, _ in kept], np.array([value for _, value, _ in kept])
    decisions = np.stack([decided for _, _, decided in kept])
    steps = tuple(
        _step(epsilon, np.abs(values - values[0]) <= epsilon, names, decisions, classes) for epsilon in EPSILONS
    )
    disputed = _disputed(decisions, classes)
    return TaskMultiplicity(decisions.shape[1], steps, tuple(dict.fromkeys(names)), _pairs(names, decisions), disputed)


def _disputed(decisions: np.ndarray, classes: int) -> tuple[int, ...]:
    """Return the rows on which the most frequent class has the smallest share of runs, unless it has all."""
    agreed = np.max([(decisions == label).sum(0) for label in range(classes)], axis=0)
    rows = np.argsort(agreed, kind="stable")[:MOST_DISPUTED]
    return tuple(int(row) for row in rows if agreed[row] < len(decisions))


def _step(epsilon: float, near: np.ndarray, names: Sequence[str], decisions: np.ndarray, classes: int) -> NearBest:
    chosen = [name for name, is_near in zip(names, near, strict=True) if is_near]
    return NearBest(epsilon, len(chosen), tuple(dict.fromkeys(chosen)), *multiplicity(decisions[near], classes))


def _pairs(names: Sequence[str], decisions: np.ndarray) -> dict[tuple[str, str], float]:
    groups = {name: decisions[[other == name for other in names]] for name in dict.fromkeys(names)}
    return {
        (one, other): float((groups[one][:, None] != groups[other][None]).mean())
        for one, other in combinations(groups, 2)
    }


def _decisions(record: Record, results: Results) -> np.ndarray | None:
    """Return the predicted class of each test row, or None if the predictions are missing or were changed."""
    folder = results.folders.get(record.key)
    if record.predictions is None or folder is None:
        return None
    try:
        outputs = load(record.predictions.read(folder)).get("test.outputs")
    except (UserError, SafetensorError):
        return None
    if outputs is None or not 1 <= outputs.ndim <= 2:
        return None
    return outputs.argmax(-1) if outputs.ndim == 2 and outputs.shape[1] > 1 else (outputs.reshape(-1) > 0).astype(int)
