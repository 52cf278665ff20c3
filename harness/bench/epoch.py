"""``archarena bench epoch``: times an epoch of FinalMLP, as published for Frappe, here and in FuxiCTR.

An epoch includes validation. The rows are random, with Frappe's fields and labels that depend on three of them. The
content does not change the cost of an epoch, and the scores show that all contestants learn equally well.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from .contest import OURS, contest

PEERS = ("fuxictr", "fuxictr, rows in the same process")
SIZES = {"train": 49_064, "valid": 8_658, "batch": 1_024}


def bench_epoch(
    peer_python: str,
    own_python: str,
    *,
    seconds: float,
    names: Sequence[str] = (OURS, *PEERS),
    sizes: dict[str, int] = SIZES,
) -> list[dict[str, Any]]:
    """Return a row per contestant (see `contest`)."""
    script = Path(__file__).with_name("epoch_child.py")
    return contest(script, names, sizes, peer_python=peer_python, own_python=own_python, seconds=seconds)
