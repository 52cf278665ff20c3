"""The recurrence of matrix states in Triton, backward: the gradients of B, C and the decays, one chunk per program.

The gradients of the states come from the walk of `triton_forward` in the other direction, and that of x from its
`read`; scores are recomputed. If several tiles of n contribute to the gradient of one decay, they write parts that are
summed afterwards.
"""

from __future__ import annotations

import torch
import triton
import triton.language as tl
from torch import Tensor

from ..native import as_rows
from ..registration import Gradients
from ..triton_functions import load_rows
from ..triton_launch import launch
from .operation import Operands
from .triton_forward import (
    between,
    further,
    head_strides,
    in_rows,
    logarithms,
    place,
    read_states,
    sizes,
    states_between,
)


@triton.jit
def gradients(
    x,
    dy,
    B,
    C,
    log_decay,
    starts,
    dends,
    dB,
    dC,
    dlog_decay,
    x_batch,
    x_step,
    x_head,
    dy_batch,
    dy_step,
    dy_head,
    B_batch,
    B_step,
    B_head,
    C_batch,
    C_step,
    C_head,
    log_decay_batch,
    log_decay_step,
    log_decay_head,
    length,
    heads,
    p,
    n,
    BY_CHANNEL: tl.constexpr,
    PRECISION: tl.constexpr,
    STEPS: tl.constexpr,
    BLOCK_P: tl.constexpr,
    BLOCK_N: tl.constexpr,
):
    """Write dB and dC (batch, length, heads, n), and dlog_decay like them or as (tiles of n, batch, length, heads)."""
    chunks, tiles = tl.cdiv(length, STEPS), tl.cdiv(n, BLOCK_N)
    tile, chunk, batch, head = place(tiles, chunks, heads)
    m, rows = tile * BLOCK_N + tl.arange(0, BLOCK_N), tl.arange(0, STEPS)
    first = chunk.to(tl.int64) * STEPS
    inside = tl.minimum(length - first, STEPS).to(tl.int32)
    x += batch * x_batch + head * x_head + first * x_step
    dy += batch * dy_batch + head * dy_head + first * dy_step
    B += batch * B_batch + head * B_head + first * B_step
    C += batch * C_batch + head * C_head + first * C_step
    log_decay += batch * log_decay_batch + head * log_decay_head + first * log_decay_step
    state = ((batch * chunks + chunk) * heads + head) * p * n

    dscores = tl.zeros((STEPS, STEPS), tl.float32)
    dread, dwritten = tl.zeros((STEPS, BLOCK_N), tl.float32), tl.zeros((STEPS, BLOCK_N), tl.float32)
    through = tl.zeros((BLOCK_N,), tl.float32)
    for start in range(0, p, BLOCK_P):
        i = start + tl.arange(0, BLOCK_P)
        small, mask = state + i[:, None] * n + m, (i < p)[:, None] & (m < n)
        added, asked = load_rows(x, x_step, rows, i, inside, p), load_rows(dy, dy_step, rows, i, inside, p)
        dscores += tl.dot(asked, tl.trans(added), input_precision=PRECISION)
        before, after = tl.load(starts + small, mask, 0.0), tl.load(dends + small, mask, 0.0)
        dread += tl.dot(asked, before, input_precision=PRECISION)
        dwritten += tl.dot(added, after, input_precision=PRECISION)
        through += tl.sum(before * after, 0)

    b, c = load_rows(B, B_step, rows, m, inside, n), load_rows(C, C_step, rows, m, inside, n)
    logs = logarithms(log_decay, log_decay_step, rows, m, inside, n, BY_CHANNEL)
    later = logarithms(log_decay, log_decay_step, rows + 1, m, inside, n, BY_CHANNEL)
    dread *= tl.exp2(tl.cumsum(logs, 0))
    dwritten *= tl.exp2(tl.cumsum(later, 0, reverse=True))
    through *= tl.exp2(tl.sum(logs, 0))
    from_before, to_after = dread * c, dwritten * b
    if BY_CHANNEL:
        dexponent = tl.zeros((STEPS, BLOCK_N), tl.float32)
        passed = tl.zeros((STEPS, BLOCK_N), tl.float32)
        for back in range(STEPS):
            j = STEPS - 1 - back
            passed = further(passed, log_decay, log_decay_step, j, rows, m, inside, n)
            weighted = tl.sum(tl.where(rows == j, dscores, 0.0), 1)[:, None] * tl.exp2(passed)
            weighted = tl.where((rows >= j)[:, None], weighted, 0.0)
            b_j = tl.load(B + j * B_step + m, (m < n) & (j < inside), 0.0).to(tl.float32)
            dread += weighted * b_j
            dwritten = tl.where((rows == j)[:, None], dwritten + tl.sum(weighted * c, 0), dwritten)
            pairs = tl.cumsum(weighted * c * b_j, 0, reverse=True)
            dexponent += tl.where((rows > j)[:, None], pairs, 0.0)
    else:
        weighted = dscores * between(log_decay, log_decay_step, rows, inside)
        pairs = weighted * tl.dot(c, tl.trans(b), input_precision=PRECISION)
        dread += tl.dot(weighted, b, input_precision=PRECISION)
        dwritten += tl.dot(tl.trans(weighted), c, input_precision=PRECISION)
        pairs = tl.where(rows[:, None] > rows, tl.cumsum(pairs, 0, reverse=True), 0.0)
        dexponent = tl.sum(pairs, 1)
        from_before, to_after, through = tl.sum(from_before, 1), tl.sum(to_after, 1), tl.sum(through)
    # A step's decay applies to all pairs of a step before it and one that is not before it.
    dexponent += tl.cumsum(from_before, 0, reverse=True) + tl.cumsum(to_after, 0) - to_after + through

    row = (batch * length + first + rows) * heads + head
    wide = row[:, None] * n + m
    mask = (rows < inside)[:, None] & (m < n)
    tl.store(dB + wide, dwritten.to(dB.dtype.element_ty), mask)
    tl.store(dC + wide, dread.to(dC.dtype.element_ty), mask)
    if BY_CHANNEL:
        tl.store(dlog_decay + wide, dexponent.to(dlog_decay.dtype.element_ty), mask)
    else:
        whole = (tl.num_programs(0) // (tiles * chunks)).to(tl.int64) * length
        tl.store(dlog_decay + tile * whole + row, dexponent, rows < inside)


def backward(operands: Operands, starts: Tensor, dy: Tensor, dfinal: Tensor | None) -> Gradients:
    operands, dy = in_rows(operands), as_rows(dy)
    x, log_decay, B, C, initial = operands
    batch, length, heads, p = x.shape
    dends, dinitial = states_between(operands, dy, C, dfinal, reverse=True)
    dx = read_states(operands, dy, dends, backward=True)
    constants = sizes(operands, x, B)
    tiles = -(-B.shape[3] // constants["BLOCK_N"])
    dB, dC = B.new_empty(B.shape), C.new_empty(C.shape)
    if operands.by_channel:
        dlog_decay = log_decay.new_empty(log_decay.shape)
    else:
        dlog_decay = log_decay.new_empty(tiles, *log_decay.shape, dtype=torch.float32)
    launch(
        gradients,
        (-(-length // constants["STEPS"]) * tiles * batch * heads,),
        *(x, dy, B, C, log_decay, starts, dends, dB, dC, dlog_decay, *head_strides(x, dy, B, C, log_decay)),
        *(length, heads, p, B.shape[3]),
        **constants,
    )
    dlog_decay = dlog_decay if operands.by_channel else dlog_decay.sum(0).to(log_decay.dtype)
    return dx, dlog_decay, dB, dC, None if initial is None else dinitial.to(initial.dtype)
