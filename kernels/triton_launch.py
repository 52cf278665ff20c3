"""How Triton kernels are launched, and how a recurrence is cut so that it fills a GPU."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

PROGRAMS = 1056
"""Programs of one warp that keep a GPU busy: eight per multiprocessor, of which there are 132."""
SHORTEST = 8
"""Minimum length of a segment in tiles: each cut costs a second pass over the inputs."""


def launch(kernel: Any, grid: tuple[int, ...], *arguments: Any, **options: Any) -> None:
    """Run one program of `kernel` per place of the grid, on the device of its first argument.

    Triton launches on the current device by default, wherever the tensors are. CUDA allows 2^31 - 1 programs along
    the first axis of a grid and 65,535 along the others, so rows of a batch belong on the first.
    """
    with torch.cuda.device_of(arguments[0]):
        kernel[grid](*arguments, **options)


def channels_per_program(*sizes: int) -> int:
    """Return the number of channels per program of one warp: fewer if a width or stride is not a multiple of 16.

    Offsets then need registers, and a tile of 64 channels would spill.
    """
    return 32 if any(size % 16 for size in sizes) else 64


def power_of_two(size: int) -> int:
    """Return the smallest power of two that is not below `size`, as the extents of tiles must be."""
    return 1 << (size - 1).bit_length()


def segment_steps(length: int, programs: int, tile: int) -> int:
    """Return the steps per segment of a sequence that would run in `programs` programs without a cut.

    The result is a multiple of `tile`, and at least `SHORTEST` tiles unless the sequence is shorter.
    """
    wanted = max(1, PROGRAMS // programs)
    steps = max(-(-length // wanted), SHORTEST * tile)
    return -(-min(steps, length) // tile) * tile


def strides(*rows: Tensor) -> tuple[int, ...]:
    """Return the strides of each tensor along all axes but the last."""
    return tuple(stride for x in rows for stride in x.stride()[:-1])
