"""The contract of a model that only writes text."""

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
    """Give as many texts as asked for, the likeliest ones the same every time."""
    try:
        generator = construct(cls, {}, device="cpu")
    except UserError as error:
        return f"it cannot be made without settings: {error}"
    sampled = generate_text(generator, PROMPTS, Decoding(4, samples=2, temperature=1.0), seed=0)
    require(sampled.shape[:2] == (2, 2), f"two samples of two prompts came as {sampled.shape}")
    once, again = (generate_text(generator, PROMPTS, Decoding(4), seed=seed) for seed in (0, 1))
    require(np.array_equal(once, again), "at temperature 0 another seed gives other texts")
    return None
