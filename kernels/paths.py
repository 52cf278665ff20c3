"""Which path each operation took in this process, for the records."""

from __future__ import annotations

import importlib.util

import torch
from torch import Tensor

HAS_TRITON = importlib.util.find_spec("triton") is not None

_taken: dict[str, set[str]] = {}


def note(operation: str, path: str) -> None:
    """Remember that `operation` ran along `path`.

    Not while torch traces: the graph would depend on what was noted, and be compiled again at every new path.
    """
    if not torch.compiler.is_compiling():
        _taken.setdefault(operation, set()).add(path)


def paths_taken() -> dict[str, list[str]]:
    """Return the paths each operation has taken in this process so far, sorted, as in ``{"selective_scan": ["c"]}``."""
    return {operation: sorted(paths) for operation, paths in sorted(_taken.items())}


def takes_triton(x: Tensor) -> bool:
    """Return whether operations on `x` run in Triton: on a GPU, float64 aside, where Triton is installed."""
    return HAS_TRITON and x.is_cuda and x.dtype.itemsize < 8
