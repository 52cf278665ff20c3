"""``archarena bench epoch``: an epoch of FinalMLP as published for Frappe, validation included, against FuxiCTR.

The rows are drawn at random with Frappe's fields and labels that follow three of them: what an epoch costs does not
depend on what they say, and the score tells that all learn alike.
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
    """Return a row for each contestant (see `contest`)."""
    script = Path(__file__).with_name("epoch_child.py")
    return contest(script, names, sizes, peer_python=peer_python, own_python=own_python, seconds=seconds)
