"""Where Triton kernels run, and how a recurrence is cut so that it fills a GPU."""

from __future__ import annotations

import functools
import importlib.util
import os
from typing import Any

import torch
from torch import Tensor

INTERPRETED = os.environ.get("TRITON_INTERPRET") == "1"
"""Whether Triton's interpreter runs the kernels on the CPU; set before a process imports triton."""

PROGRAMS = 1056
"""Programs of one warp that keep a GPU busy: eight for each of 132 multiprocessors."""

STORED = (torch.float32, torch.bfloat16, torch.float16, torch.complex64)
"""What the kernels read and write; they compute in float32."""


def usable(x: Tensor) -> bool:
    """Return whether a Triton kernel can run on `x`."""
    return x.dtype in STORED and (x.is_cuda or INTERPRETED) and _installed()


@functools.cache
def _installed() -> bool:
    return importlib.util.find_spec("triton") is not None


def launch(kernel: Any, grid: tuple[int, ...], *arguments: Any, **options: Any) -> None:
    """Run one program of `kernel` for each place of the grid, on the device of its first argument.

    Triton itself launches on the current device, wherever the tensors are. CUDA takes up to 2^31 - 1 programs along a
    grid's first axis and 65,535 along the others, so rows of a batch belong on the first.
    """
    with torch.cuda.device_of(arguments[0]):
        kernel[grid](*arguments, **options)


def channels_a_program(*sizes: int) -> int:
    """Return how many channels a program of one warp takes: fewer where a width or stride is no multiple of 16.

    Offsets then take registers of their own, and a tile of 64 channels would spill.
    """
    return 32 if any(size % 16 for size in sizes) else 64


def power_of_two(size: int) -> int:
    """Return the smallest power of two that is not below `size`: the extents of a tile are such."""
    return 1 << (size - 1).bit_length()


def segment_steps(length: int, programs: int, tile: int) -> int:
    """Return the steps of the segments that a sequence is cut into, where `programs` would run without a cut.

    A multiple of `tile`, and at least eight of them: a cut costs a second pass over the inputs.
    """
    wanted = max(1, PROGRAMS // programs)
    steps = max(-(-length // wanted), 8 * tile)
    return -(-min(steps, length) // tile) * tile
