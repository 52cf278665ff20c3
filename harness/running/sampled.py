"""The answers of a trial on the sample rows of its task."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..records.samples import SampleCard, SampleRow

DIGITS = 4
"""Decimals of probabilities and values."""


def sampled_answers(card: SampleCard, outputs: dict[str, Any], predictions: dict[str, np.ndarray]) -> list[Any]:
    """Return one answer per sample row, or nothing if there are too few predictions.

    An answer is a class, a list of classes per scored position, the probability of a binary label, or a list of
    values; for next-token outputs, it is the mean of the row's scored tokens in bits.

    Parameters
    ----------
    outputs
        The task's outputs as JSON (`archarena.harness.contract.spec`).
    """
    found = predictions.get(card.predictions)
    if found is None or not card.rows or card.rows[-1].first + max(1, len(card.rows[-1].positions)) > len(found):
        return []
    try:
        return [_answer(row, str(outputs.get("kind", "")), found) for row in card.rows]
    except (IndexError, ValueError):  # a plugin's metric may score predictions of any shape
        return []


def _answer(row: SampleRow, kind: str, found: np.ndarray) -> Any:
    if kind == "PerPosition":
        return [_class(entry) for entry in found[row.first : row.first + len(row.positions)]]
    own = found[row.first]
    if kind == "Classes":
        return _class(own)
    if kind == "Binary":
        return round(1 / (1 + float(np.exp(-np.clip(own.reshape(-1)[0], -50, 50)))), DIGITS)
    if kind == "NextToken":
        scored = own[own != 0]
        return round(float(scored.mean()) / float(np.log(2)), DIGITS) if scored.size else 0.0
    return [round(float(value), DIGITS) if np.isfinite(value) else None for value in own.reshape(-1)]


def _class(logits: np.ndarray) -> int:
    """Return the class with the highest logit; a single number is the class itself."""
    return int(logits.argmax()) if logits.ndim else int(logits)
