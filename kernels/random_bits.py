"""Random bits from torch's global generator, or from one generator per member of an ensemble."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from typing import Any

import torch
from torch import Tensor

_generators: Sequence[torch.Generator] | None = None


@contextmanager
def drawn_from(generators: Sequence[torch.Generator] | None) -> Iterator[None]:
    """Let each member of a call under `torch.vmap` draw from its own generator; None for the global one."""
    global _generators
    before, _generators = _generators, generators
    try:
        yield
    finally:
        _generators = before


def random_words(x: Tensor) -> Tensor:
    """Return 16 random bits for each entry of a CPU tensor, as int16."""
    return _draw(x, None) if _generators is None else _words(x.detach())


@torch.library.custom_op("archarena::random_words", mutates_args=())
def _words(x: Tensor) -> Tensor:
    return _draw(x, None)


@_words.register_vmap
def _(info: Any, in_dims: tuple[int], x: Tensor) -> tuple[Tensor, int]:
    assert _generators is not None
    one = x.select(in_dims[0], 0)
    draw = partial(_draw, one)
    with ThreadPoolExecutor(1) as outside:  # torch.vmap refuses to draw in its own thread
        words = list(outside.map(draw, _generators))
    return torch.stack(words), 0


def _draw(x: Tensor, generator: torch.Generator | None) -> Tensor:
    four = torch.empty(-(-x.numel() // 4), dtype=torch.int64).random_(-(2**63), None, generator=generator)
    return four.view(torch.int16)[: x.numel()].view(x.shape)
