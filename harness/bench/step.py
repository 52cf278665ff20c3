"""``archarena bench step``: times a training step of a small mamba language model, here and in other packages."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from .contest import OURS, contest

PEERS = ("transformers with mambapy", "mambapy", "transformers")
SIZES = {"vocabulary": 256, "width": 128, "layers": 2, "length": 512, "batch": 8}


def bench_step(
    peer_python: str,
    own_python: str,
    *,
    seconds: float,
    names: Sequence[str] = (OURS, *PEERS),
    sizes: dict[str, int] = SIZES,
) -> list[dict[str, Any]]:
    """Return a row per contestant (see `contest`), including its tokens per second."""
    script = Path(__file__).with_name("step_child.py")
    rows = contest(script, names, sizes, peer_python=peer_python, own_python=own_python, seconds=seconds)
    tokens = sizes["batch"] * sizes["length"]
    return [row | {"tokens_per_second": tokens / row["seconds"]} if "seconds" in row else row for row in rows]
