"""Random streams, each derived from named axes and independent of global generators.

Data and models use different streams, so every model sees the same data for a seed.
"""

from __future__ import annotations

import hashlib
import json

import numpy as np


def seed(base: int | str, *axes: int | str) -> int:
    """Return a 63-bit seed that is a pure function of `base` and the named axes."""
    text = json.dumps([base, *axes], separators=(",", ":"))
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big") >> 1


def generator(base: int | str, *axes: int | str) -> np.random.Generator:
    """Return a NumPy generator for the stream named by the axes."""
    return np.random.default_rng(seed(base, *axes))
