"""Chooses the path of each operation by device and dtype, and remembers which paths were taken."""

from __future__ import annotations

import importlib.util
import os
from typing import Literal

import torch
from torch import Tensor

from . import native

Path = Literal["triton", "c", "torch"]

TRITON = (torch.float32, torch.bfloat16, torch.float16)
COMPLEX = (torch.complex64,)
C = (torch.float32,)
PATHS: dict[str, dict[Path, tuple[torch.dtype, ...]]] = {
    "selective_scan": {"triton": TRITON + COMPLEX, "c": C},
    "linear_recurrence": {"triton": TRITON + COMPLEX, "c": C + COMPLEX},
    "ema": {"triton": TRITON, "c": C},
    "ssd": {"triton": TRITON, "c": C},
    "depthwise_conv": {"triton": TRITON, "c": C},
    "mu_layer": {"triton": TRITON, "c": C},
    "chunked_attention": {"triton": TRITON},
    "feature_gate": {"triton": TRITON},
}
"""The dtypes for which an operation has a Triton kernel (for GPUs) and a C kernel (for CPUs); else it runs in torch."""

INTERPRETED = os.environ.get("TRITON_INTERPRET") == "1"
"""Whether Triton's interpreter runs the kernels on a CPU; must be set before anything imports triton."""

HAS_TRITON = importlib.util.find_spec("triton") is not None
taken: dict[str, set[str]] = {}


def path(operation: str, *tensors: Tensor) -> Path:
    """Return the path that an operation takes for these tensors.

    "triton"
        On a GPU if Triton is installed, for all of the dtypes that `PATHS` lists.
    "c"
        On a CPU if a C compiler is found, for the dtypes that `PATHS` lists.
    "torch"
        Otherwise.
    """
    dtypes, first = PATHS[operation], tensors[0]
    if all(x.dtype in dtypes.get("triton", ()) and runs_triton(x) for x in tensors):
        return "triton"
    in_c = first.device.type == "cpu" and first.dtype in dtypes.get("c", ())
    return "c" if in_c and native.library(native.source_of(operation)) else "torch"


def runs_triton(x: Tensor) -> bool:
    """Return whether a Triton kernel can read `x`: not in float64, nor on a CPU unless interpreted."""
    return HAS_TRITON and x.dtype in TRITON + COMPLEX and (x.is_cuda or INTERPRETED)


def note(operation: str, path: str) -> None:
    """Remember that an operation took a path.

    Does nothing while torch traces: the graph would depend on what was noted, and every new path would recompile it.
    """
    if not torch.compiler.is_compiling():
        taken.setdefault(operation, set()).add(path)


def paths_taken() -> dict[str, list[str]]:
    """Return the paths that each operation took in this process so far, sorted, as in ``{"selective_scan": ["c"]}``."""
    return {operation: sorted(paths) for operation, paths in sorted(taken.items())}
