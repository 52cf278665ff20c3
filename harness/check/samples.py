"""Tiny task specs of every kind, with sample rows."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from ..contract.spec import (
    Binary,
    Classes,
    Fields,
    Image,
    Labels,
    NextToken,
    Pair,
    PerPosition,
    Regression,
    Series,
    TaskSpec,
    Tokens,
)

LENGTH = 12
"""Length of a tiny sequence, short enough for a local model's receptive field to cover it."""

SPECS = {
    "tokens to classes": TaskSpec(Tokens(24, LENGTH), Classes(4)),
    "tokens to a class each, causal": TaskSpec(Tokens(24, LENGTH), PerPosition(6), causal=True),
    "tokens to a class each, bidirectional": TaskSpec(Tokens(24, LENGTH), PerPosition(6)),
    "next token": TaskSpec(Tokens(24, LENGTH), NextToken(24), causal=True),
    "pair to classes": TaskSpec(Pair(Tokens(24, LENGTH)), Classes(2)),
    "fields to a click": TaskSpec(Fields((7, 9, 12), n_dense=2, bag=2), Binary()),
    "series to classes": TaskSpec(Series(2, LENGTH), Classes(4)),
    "series to values": TaskSpec(Series(2, LENGTH), Regression(2)),
    "image to classes": TaskSpec(Image(1, 3, 4), Classes(4)),
}

Batch = tuple[dict[str, Tensor], Tensor]


def make_batch(spec: TaskSpec, rows: int = 8) -> Batch:
    """Return inputs and targets, identical in every call. Rows differ from their first position."""
    generator = torch.Generator().manual_seed(0)
    return _inputs(spec, rows, generator), _targets(spec, rows, generator)


def _inputs(spec: TaskSpec, rows: int, generator: torch.Generator) -> dict[str, Tensor]:
    match spec.inputs:
        case Tokens(vocab_size, length):
            return _tokens(rows, vocab_size, length, generator, ragged=not spec.per_position)
        case Pair(Tokens(vocab_size, length)):
            sides = _tokens(2 * rows, vocab_size, length, generator, ragged=True)
            return {name: array.unflatten(0, (rows, 2)) for name, array in sides.items()}
        case Fields(cardinalities, n_dense, bag):
            ids = [torch.randint(1, count, (rows, bag), generator=generator) for count in cardinalities]
            return {
                "ids": torch.stack(ids, 1) if ids else torch.zeros(rows, 0, bag, dtype=torch.long),
                "dense": torch.randn(rows, n_dense, generator=generator),
            }
        case Series(channels, length):
            return {"values": torch.randn(rows, length, channels, generator=generator)}
        case Image(channels, height, width):
            return {"pixels": torch.randn(rows, channels, height, width, generator=generator)}


def _tokens(rows: int, vocab_size: int, length: int, generator: torch.Generator, *, ragged: bool) -> dict[str, Tensor]:
    tokens = torch.randint(1, vocab_size, (rows, length), generator=generator)
    tokens[:, 0] = 1 + torch.randperm(max(rows, vocab_size - 1), generator=generator)[:rows] % (vocab_size - 1)
    lengths = torch.full((rows,), length)
    if ragged:
        lengths[1:-1] = torch.randint(length // 2, length + 1, (rows - 2,), generator=generator)
    tokens[torch.arange(length) >= lengths[:, None]] = 0
    return {"tokens": tokens, "lengths": lengths}


def _targets(spec: TaskSpec, rows: int, generator: torch.Generator) -> Tensor:
    match spec.outputs:
        case Classes(n):
            # Unequal class counts: with equal ones, the bias of a head initialized to zero would have no gradient.
            return torch.arange(rows).clamp(max=rows - 2) % n
        case Labels(count, n):
            return torch.randint(n, (rows, count), generator=generator)
        case PerPosition(n) | NextToken(n):
            return torch.randint(n, (rows, n_positions(spec)), generator=generator)
        case Binary():
            return (torch.arange(rows) % 2).float()
        case Regression(n):
            return torch.randn(rows, n, generator=generator)


def n_positions(spec: TaskSpec) -> int:
    """Return the number of positions per row."""
    match spec.inputs:
        case Tokens(length=length) | Series(length=length) | Pair(Tokens(length=length)):
            return length
        case Image(_, height, width):
            return height * width
        case Fields(cardinalities, n_dense):
            return len(cardinalities) + n_dense


def output_shape(spec: TaskSpec, rows: int) -> tuple[int, ...]:
    """Return the expected shape of a model's output."""
    return (rows, n_positions(spec), spec.n_outputs) if spec.per_position else (rows, spec.n_outputs)


def repeat_row(spec: TaskSpec, rows: int) -> dict[str, Tensor]:
    """Return inputs with identical rows and no padding."""
    inputs, _ = make_batch(spec, 2)
    if "lengths" in inputs:
        filled = inputs["tokens"].clamp(min=1)
        inputs = {"tokens": filled, "lengths": torch.full_like(inputs["lengths"], n_positions(spec))}
    return {name: array[:1].expand(rows, *array.shape[1:]).clone() for name, array in inputs.items()}


def change_one_place_a_row(spec: TaskSpec) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
    """Return equal rows, and a copy with a different single entry (token, id or number) changed in each row."""
    base = repeat_row(spec, 1)
    places = [
        (name, index) for name, array in base.items() if name != "lengths" for index in np.ndindex(array.shape[1:])
    ]
    equal = repeat_row(spec, len(places))
    changed = {name: array.clone() for name, array in equal.items()}
    for row, (name, index) in enumerate(places):
        old = changed[name][(row, *index)]
        changed[name][(row, *index)] = old + 1 if old.is_floating_point() else _other_ids(old)
    return equal, changed


def _other_ids(tokens: Tensor) -> Tensor:
    return torch.where(tokens > 1, tokens - 1, tokens + 1)


def change_the_future(spec: TaskSpec, places: Tensor) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
    """Return equal rows, and a copy in which everything after position ``places[row]`` is changed in each row."""
    count = len(places)
    equal = repeat_row(spec, count)
    changed = {name: array.clone() for name, array in equal.items()}
    later = torch.arange(n_positions(spec)) > places[:, None]
    if "tokens" in changed:
        changed["tokens"] = torch.where(later, _other_ids(changed["tokens"]), changed["tokens"])
    elif "values" in changed:
        changed["values"] = changed["values"] + later[..., None]
    else:
        pixels = changed["pixels"]
        changed["pixels"] = pixels + later.view(count, 1, *pixels.shape[2:])
    return equal, changed
