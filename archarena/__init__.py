"""Compare model architectures from Python: run models on tasks, and load scores and trained models.

Names are imported on first use, so importing this package imports neither torch nor NumPy. Plugins import base
classes and specs from `archarena.harness`.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .harness.api import run
    from .harness.assembly.trained import load_trained
    from .harness.training.scored_rows import test_rows
    from .leaderboard.load import load

__all__ = ["load", "load_trained", "run", "test_rows"]

_HOMES = {
    "load": "archarena.leaderboard.load",
    "load_trained": "archarena.harness.assembly.trained",
    "run": "archarena.harness.api",
    "test_rows": "archarena.harness.training.scored_rows",
}


def __getattr__(name: str):
    if name not in _HOMES:
        raise AttributeError(f"module 'archarena' has no attribute '{name}'")
    return getattr(import_module(_HOMES[name]), name)
