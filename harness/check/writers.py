"""Contract checks of models that only generate text."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..assembly.build import construct
from ..contract.evaluation import Decoding
from ..errors import UserError
from ..training.generate import generate_text
from .findings import require

PROMPTS = ["One and one are", "Two and two are"]


def answers(cls: Any) -> str | None:
    """Check the number of texts, and that decoding at temperature 0 is deterministic."""
    try:
        generator = construct(cls, {}, device="cpu")
    except UserError as error:
        return f"it cannot be created without settings: {error}"
    sampled = generate_text(generator, PROMPTS, Decoding(4, samples=2, temperature=1.0), seed=0)
    require(
        sampled.shape[:2] == (2, 2), f"two samples for each of two prompts have shape {sampled.shape}, expected (2, 2)"
    )
    once, again = (generate_text(generator, PROMPTS, Decoding(4), seed=seed) for seed in (0, 1))
    require(np.array_equal(once, again), "at temperature 0, another seed gives different texts")
    return None
