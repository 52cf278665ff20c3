"""Random bits from torch's global generator; under `torch.vmap`, from one generator per member."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor

_generators: Sequence[torch.Generator] | None = None


@contextmanager
def drawn_from(generators: Sequence[torch.Generator] | None) -> Iterator[None]:
    """Let each member of a mapped call draw from its own generator; None for the global one, member by member."""
    global _generators
    before, _generators = _generators, generators
    try:
        yield
    finally:
        _generators = before


def random_words(x: Tensor) -> Tensor:
    """Return 16 random bits for each entry of a CPU tensor, as int16."""
    return _words(x.detach())


@torch.library.custom_op("archarena::random_words", mutates_args=())
def _words(x: Tensor) -> Tensor:
    return _draw(x, None)


@_words.register_fake
def _(x: Tensor) -> Tensor:
    return torch.empty_like(x, dtype=torch.int16)


@_words.register_vmap
def _(info: Any, in_dims: tuple[int], x: Tensor) -> tuple[Tensor, int]:
    one = x.select(in_dims[0], 0)
    generators = [None] * info.batch_size if _generators is None else _generators
    return torch.stack([_draw(one, generator) for generator in generators]), 0


def _draw(x: Tensor, generator: torch.Generator | None) -> Tensor:
    four = torch.empty(-(-x.numel() // 4), dtype=torch.int64).random_(-(2**63), None, generator=generator)
    return four.view(torch.int16)[: x.numel()].view(x.shape).clone()
