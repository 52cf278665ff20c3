"""The recurrence of matrix states in Triton, first part: the state between any two chunks, forward or back.

A tile of a head's state stays in registers and walks from chunk to chunk. What a chunk adds is a product of matrices,
and only the states between chunks are written. Where there are too few heads to fill a GPU, the chunks are cut into
segments: a first pass finds what each makes of a zero state, a short recurrence joins them.

Products are taken in TensorFloat-32, thrice where the operands are float32, which is as exact as float32 itself.
"""

from __future__ import annotations

from typing import Any

import torch
import triton
import triton.language as tl
from torch import Tensor

from ..linear_recurrence import blocked
from ..native import as_rows
from ..triton_math import LOG2_E
from ..triton_support import launch, power_of_two, segment_steps
from ..triton_tiles import rows_of
from .chunked import chunk_steps
from .operands import Operands

TILE, EXACT_TILE = 64, 32
"""Largest extents of a tile along either axis of the state: float32's three products need more registers."""


@triton.jit
def logarithms(log_decay, step, rows, columns, rows_inside, columns_inside, BY_CHANNEL: tl.constexpr):
    """Load decays as powers of two (rows, columns), or (rows, 1) where a head has one; zero past the end."""
    if BY_CHANNEL:
        found = rows_of(log_decay, step, rows, columns, rows_inside, columns_inside)
    else:
        found = tl.load(log_decay + rows * step, rows < rows_inside, 0.0).to(tl.float32)[:, None]
    return found * LOG2_E


@triton.jit
def walk(
    given,
    written,
    log_decay,
    carried,
    kept,
    sums,
    given_batch,
    given_step,
    given_head,
    written_batch,
    written_step,
    written_head,
    log_decay_batch,
    log_decay_step,
    log_decay_head,
    length,
    heads,
    p,
    n,
    segment,
    REVERSE: tl.constexpr,
    BY_CHANNEL: tl.constexpr,
    ENDS: tl.constexpr,
    PRECISION: tl.constexpr,
    STEPS: tl.constexpr,
    BLOCK_P: tl.constexpr,
    BLOCK_N: tl.constexpr,
):
    """Walk over the chunks of a segment, write the state before each into `kept`, and leave the last in `carried`.

    The walk starts from `carried`, (batch, segments, heads, p, n). Forward, x is `given` and B is `written`; where
    REVERSE, dy and C, and the walk goes from the last chunk to the first. ENDS writes nothing else than `carried` and
    the `sums` of the logarithms (batch, segments, heads, 1 or n).
    """
    part = tl.program_id(1).to(tl.int64)
    across = tl.cdiv(n, BLOCK_N)
    tiles = tl.cdiv(p, BLOCK_P) * across
    tile, row = tl.program_id(0) % tiles, tl.program_id(0) // tiles
    batch, head = (row // heads).to(tl.int64), row % heads
    i = tile // across * BLOCK_P + tl.arange(0, BLOCK_P)
    m = tile % across * BLOCK_N + tl.arange(0, BLOCK_N)
    rows = tl.arange(0, STEPS)
    small, mask = i[:, None] * n + m, (i < p)[:, None] & (m < n)
    given += batch * given_batch + head * given_head
    written += batch * written_batch + head * written_head
    log_decay += batch * log_decay_batch + head * log_decay_head
    place = (batch * tl.num_programs(1) + part) * heads + head
    state = tl.load(carried + place * p * n + small, mask, 0.0)
    chunks = tl.cdiv(length, STEPS)
    total = tl.zeros((BLOCK_N if BY_CHANNEL else 1,), tl.float32)
    for k in range(0, tl.minimum(segment, chunks - part * segment)):
        walked = part * segment + k
        chunk = chunks - 1 - walked if REVERSE else walked
        first = chunk * STEPS
        inside = tl.minimum(length - first, STEPS).to(tl.int32)
        if not ENDS:
            tl.store(kept + ((batch * chunks + chunk) * heads + head) * p * n + small, state, mask)
        held = (i < p)[:, None] & (rows < inside)
        x = tl.load(given + first * given_step + rows * given_step + i[:, None], held, 0.0).to(tl.float32)
        b = rows_of(written + first * written_step, written_step, rows, m, inside, n)
        decays = log_decay + first * log_decay_step
        logs = logarithms(decays, log_decay_step, rows, m, inside, n, BY_CHANNEL)
        if REVERSE:
            b *= tl.exp2(tl.cumsum(logs, 0))
        else:
            later = logarithms(decays, log_decay_step, rows + 1, m, inside, n, BY_CHANNEL)
            b *= tl.exp2(tl.cumsum(later, 0, reverse=True))
        whole = tl.sum(logs, 0)
        total += whole
        state = state * tl.exp2(whole)[None, :] + tl.dot(x, b, input_precision=PRECISION)
    tl.store(carried + place * p * n + small, state, mask)
    if ENDS:
        if BY_CHANNEL:
            tl.store(sums + place * n + m, total, m < n)
        else:
            tl.store(sums + place + tl.arange(0, 1), total)


def states_between(
    given: Tensor, written: Tensor, log_decay: Tensor, initial: Tensor | None, *, reverse: bool = False
) -> tuple[Tensor, Tensor]:
    """Return the state before each chunk of the walk (batch, chunks, heads, p, n), and that after the last.

    The three rows are as `in_rows` leaves them.
    """
    batch, length, heads, p = given.shape
    n, by_channel = written.shape[3], log_decay.dim() == 4
    constants = sizes(given, written, by_channel)
    tiles = -(-p // constants["BLOCK_P"]) * -(-n // constants["BLOCK_N"])
    chunks = -(-length // constants["STEPS"])
    segment = segment_steps(chunks, batch * heads * tiles, 1)
    parts = -(-chunks // segment)
    states = given.new_empty(batch, chunks, heads, p, n, dtype=torch.float32)
    carried = torch.zeros(batch, parts, heads, p, n, device=given.device)
    sums = carried.new_empty(batch, parts, heads, 1, n if by_channel else 1)
    first = torch.zeros_like(carried[:, 0]) if initial is None else initial.float()

    def over_segments(carried: Tensor, ends: bool) -> None:
        launch(
            walk,
            (tiles * batch * heads, parts),
            *(given, written, log_decay, carried, states, sums, *strides(given, written, log_decay)),
            *(length, heads, p, n, segment),
            REVERSE=reverse,
            ENDS=ends,
            **constants,
        )

    if parts > 1:
        over_segments(carried, True)
        after = blocked.forward(torch.exp2(sums), carried, first, False)
        carried = torch.cat((first[:, None], after[:, :-1]), 1)
    else:
        carried[:, 0] = first
    over_segments(carried, False)
    return states, carried[:, -1].contiguous()


def in_rows(operands: Operands) -> Operands:
    """Copy only what a kernel cannot read where it lies."""
    log_decay = as_rows(operands.log_decay) if operands.by_channel else operands.log_decay
    return operands._replace(x=as_rows(operands.x), log_decay=log_decay, B=as_rows(operands.B), C=as_rows(operands.C))


def sizes(x: Tensor, B: Tensor, by_channel: bool) -> dict[str, Any]:
    """Return what the kernels are compiled for."""
    exact = torch.float32 in (x.dtype, B.dtype)
    largest = EXACT_TILE if exact else TILE
    p, n = (min(largest, max(16, power_of_two(size))) for size in (x.shape[3], B.shape[3]))
    return {
        "BY_CHANNEL": by_channel,
        "PRECISION": "tf32x3" if exact else "tf32",
        "STEPS": chunk_steps(by_channel),
        "BLOCK_P": p,
        "BLOCK_N": n,
        "num_warps": 8,
    }


def strides(*rows: Tensor) -> tuple[int, ...]:
    """Return the strides of batch, step and head of each."""
    return tuple(stride for x in rows for stride in x.stride()[:3])
