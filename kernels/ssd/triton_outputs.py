"""The recurrence of matrix states in Triton, second part: what each chunk reads, of its own steps and of those before.

A program holds one chunk of one head. Between its own steps, the decay is the exponential of a sum over the steps
between the two, as in plain torch: never a difference of two sums from the start, nor a quotient.
"""

from __future__ import annotations

import triton
import triton.language as tl
from torch import Tensor

from ..triton_math import LOG2_E
from ..triton_support import launch
from ..triton_tiles import rows_of
from .operands import Operands
from .triton_states import in_rows, logarithms, sizes, states_between, strides


@triton.jit
def place(tiles, chunks, heads):
    """Return the tile, chunk, row of the batch and head of this program."""
    row = tl.program_id(0) // (tiles * chunks)
    inside = tl.program_id(0) % (tiles * chunks)
    return inside % tiles, inside // tiles, (row // heads).to(tl.int64), row % heads


@triton.jit
def between(log_decay, step, rows, inside):
    """Return the decay (rows, rows) from the second step to the first where a head has one; zero where that is back."""
    passed = logarithms(log_decay, step, rows, rows, inside, 0, False)
    passed = tl.cumsum(tl.where(rows[:, None] > rows, passed, 0.0), 0)
    return tl.where(rows[:, None] >= rows, tl.exp2(passed), 0.0)


@triton.jit
def further(passed, log_decay, step, j, rows, columns, inside, n):
    """Return the logarithms (rows, columns) from step j to each later one, given those from step j + 1."""
    following = tl.load(log_decay + (j + 1) * step + columns, (columns < n) & (j + 1 < inside), 0.0).to(tl.float32)
    return tl.where((rows > j)[:, None], passed + following * LOG2_E, 0.0)


@triton.jit
def scores_by_channel(c, B, B_step, log_decay, log_decay_step, rows, columns, inside, n, STEPS: tl.constexpr):
    """Return what each step reads of each (rows, rows), a step that is read after the other, from the last."""
    scores = tl.zeros((STEPS, STEPS), tl.float32)
    passed = tl.zeros(c.shape, tl.float32)
    for back in range(STEPS):
        j = STEPS - 1 - back
        passed = further(passed, log_decay, log_decay_step, j, rows, columns, inside, n)
        b = tl.load(B + j * B_step + columns, (columns < n) & (j < inside), 0.0).to(tl.float32)
        read = tl.sum(tl.where((rows >= j)[:, None], c * tl.exp2(passed), 0.0) * b, 1)
        scores = tl.where(rows == j, read[:, None], scores)
    return scores


@triton.jit
def read(
    given,
    B,
    C,
    log_decay,
    kept,
    out,
    given_batch,
    given_step,
    given_head,
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
    BACKWARD: tl.constexpr,
    BY_CHANNEL: tl.constexpr,
    PRECISION: tl.constexpr,
    STEPS: tl.constexpr,
    BLOCK_P: tl.constexpr,
    BLOCK_N: tl.constexpr,
):
    """Write y, of `given` x and the states before each chunk; or dx, of dy and the states' gradients after each.

    The two mirror each other: each step reads by C what those before it wrote by B, or by B what those after it read.
    """
    chunks = tl.cdiv(length, STEPS)
    tile, chunk, batch, head = place(tl.cdiv(p, BLOCK_P), chunks, heads)  # pyright: ignore[reportGeneralTypeIssues]
    i = tile * BLOCK_P + tl.arange(0, BLOCK_P)
    rows = tl.arange(0, STEPS)
    first = chunk.to(tl.int64) * STEPS
    inside = tl.minimum(length - first, STEPS).to(tl.int32)
    given += batch * given_batch + head * given_head + first * given_step
    B += batch * B_batch + head * B_head + first * B_step
    C += batch * C_batch + head * C_head + first * C_step
    log_decay += batch * log_decay_batch + head * log_decay_head + first * log_decay_step
    kept += ((batch * chunks + chunk) * heads + head) * p * n
    scores = tl.zeros((STEPS, STEPS), tl.float32)
    total = tl.zeros((STEPS, BLOCK_P), tl.float32)
    for start in range(0, n, BLOCK_N):
        m = start + tl.arange(0, BLOCK_N)
        c = rows_of(C, C_step, rows, m, inside, n)
        if BY_CHANNEL:
            scores += scores_by_channel(c, B, B_step, log_decay, log_decay_step, rows, m, inside, n, STEPS)
        if BACKWARD or not BY_CHANNEL:
            b = rows_of(B, B_step, rows, m, inside, n)
        if not BY_CHANNEL:
            scores += tl.dot(c, tl.trans(b), input_precision=PRECISION)
        if BACKWARD:
            later = logarithms(log_decay, log_decay_step, rows + 1, m, inside, n, BY_CHANNEL)
            reader = b * tl.exp2(tl.cumsum(later, 0, reverse=True))
        else:
            logs = logarithms(log_decay, log_decay_step, rows, m, inside, n, BY_CHANNEL)
            reader = c * tl.exp2(tl.cumsum(logs, 0))
        state = tl.load(kept + i * n + m[:, None], (i < p) & (m < n)[:, None], 0.0)
        total += tl.dot(reader, state, input_precision=PRECISION)
    if not BY_CHANNEL:
        scores *= between(log_decay, log_decay_step, rows, inside)
    if BACKWARD:
        scores = tl.trans(scores)
    total += tl.dot(scores, rows_of(given, given_step, rows, i, inside, p), input_precision=PRECISION)
    cells = ((batch * length + first) * heads + head) * p + rows[:, None] * heads * p + i
    tl.store(out + cells, total.to(out.dtype.element_ty), (rows < inside)[:, None] & (i < p))


def forward(operands: Operands) -> tuple[Tensor, Tensor, Tensor]:
    """Return outputs, final state, and the state at the start of each chunk."""
    operands = in_rows(operands)
    x, log_decay, B, _, initial = operands
    starts, final = states_between(x, B, log_decay, initial)
    return read_states(operands, x, starts, backward=False), final, starts


def read_states(operands: Operands, given: Tensor, states: Tensor, *, backward: bool) -> Tensor:
    """Return y of x and the states before each chunk, or dx of dy and the states' gradients after each."""
    x, log_decay, B, C, _ = operands
    batch, length, heads, p = x.shape
    constants = sizes(given, B, operands.by_channel)
    out = x.new_empty(x.shape)
    programs = -(-length // constants["STEPS"]) * -(-p // constants["BLOCK_P"])
    launch(
        read,
        (programs * batch * heads,),
        *(given, B, C, log_decay, states, out, *strides(given, B, C, log_decay)),
        *(length, heads, p, B.shape[3]),
        BACKWARD=backward,
        **constants,
    )
    return out
