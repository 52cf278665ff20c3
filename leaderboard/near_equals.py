"""Near-equals: runs whose scores can hardly be told apart, and how differently they decide.

Runs within a small distance of the best score are a sample of the Rashomon set; what is worked out from them are lower
bounds of what the whole set would show (Hsu et al. 2024, arXiv:2402.00728).
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load

from ..harness.records.multiplicity import multiplicity
from ..harness.records.record import Record
from .sources import Sources, TaskCard

EPSILONS = (0.01, 0.02, 0.05)
"""Distances to the best score, in the unit of the column."""


@dataclass(frozen=True)
class Multiplicity:
    """How differently runs decide that lie within `epsilon` of the best (`archarena.harness.records.multiplicity`)."""

    epsilon: float
    runs: int
    variants: tuple[str, ...]
    ambiguity: float
    discrepancy: float
    disagreement: float


@dataclass(frozen=True)
class NearEquals:
    """The near-equals of one task in one section.

    Attributes
    ----------
    pairs
        By two variants, the mean share of rows on which a run of one and a run of the other differ.
    """

    rows: int
    steps: tuple[Multiplicity, ...]
    variants: tuple[str, ...]
    pairs: Mapping[tuple[str, str], float]


def near_equals(records: Sequence[Record], column: str, card: TaskCard, sources: Sources) -> NearEquals | None:
    """Return the near-equals of a classification task, or None where fewer than two runs kept predictions.

    Parameters
    ----------
    records
        Runs of one task in one section.
    column
        Whose scores decide who is near the best.
    """
    classes = {"Binary": 2, "Classes": card.spec.get("outputs", {}).get("n", 0)}.get(_kind(card), 0)
    scored = [(record, record.scores[column]) for record in records if column in record.scores]
    runs = [(record, score.value) for record, score in scored if record.status == "ok" and score.value is not None]
    found = [(record, value, _decisions(record, sources)) for record, value in runs] if classes else []
    kept = [(record, value, decided) for record, value, decided in found if decided is not None]
    if len({len(decided) for _, _, decided in kept}) != 1 or len(kept) < 2:
        return None
    sign = 1 if scored[0][1].direction == "higher" else -1
    kept.sort(key=lambda run: -sign * run[1])
    decisions = np.stack([decided for _, _, decided in kept])
    names, values = [record.cell.variant for record, _, _ in kept], np.array([value for _, value, _ in kept])
    steps = tuple(
        _step(epsilon, np.abs(values - values[0]) <= epsilon, names, decisions, classes) for epsilon in EPSILONS
    )
    return NearEquals(decisions.shape[1], steps, tuple(dict.fromkeys(names)), _pairs(names, decisions))


def _step(epsilon: float, near: np.ndarray, names: Sequence[str], decisions: np.ndarray, classes: int) -> Multiplicity:
    chosen = [name for name, is_near in zip(names, near, strict=True) if is_near]
    return Multiplicity(epsilon, len(chosen), tuple(dict.fromkeys(chosen)), *multiplicity(decisions[near], classes))


def _pairs(names: Sequence[str], decisions: np.ndarray) -> dict[tuple[str, str], float]:
    groups = {name: decisions[[other == name for other in names]] for name in dict.fromkeys(names)}
    return {
        (one, other): float((groups[one][:, None] != groups[other][None]).mean())
        for one, other in combinations(groups, 2)
    }


def _kind(card: TaskCard) -> str:
    return str(card.spec.get("outputs", {}).get("kind", ""))


def _decisions(record: Record, sources: Sources) -> np.ndarray | None:
    """Return the class of each kept test row, or None where they are missing or not what the record names."""
    content = _content(record, sources.folders.get(record.key))
    if content is None:
        return None
    try:
        outputs = load(content).get("test.outputs")
    except SafetensorError:
        return None
    if outputs is None or not 1 <= outputs.ndim <= 2:
        return None
    return outputs.argmax(-1) if outputs.ndim == 2 and outputs.shape[1] > 1 else (outputs.reshape(-1) > 0).astype(int)


def _content(record: Record, folder: Path | None) -> bytes | None:
    if record.predictions is None or folder is None:
        return None
    path = (folder / record.predictions.file).resolve()
    if not path.is_relative_to(folder.resolve()) or not path.is_file():
        return None
    content = path.read_bytes()
    return content if hashlib.sha256(content).hexdigest() == record.predictions.sha256 else None
