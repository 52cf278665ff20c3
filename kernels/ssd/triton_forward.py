"""The recurrence of matrix states in Triton: the state before each chunk of steps, then the outputs of each chunk.

`walk` keeps a tile of a head's state in registers and goes from chunk to chunk. A chunk adds a product of matrices,
and only the states between chunks are written. If there are too few heads to fill a GPU, the chunks are cut into
segments: a first pass computes the state at the end of each from a zero state, and a short recurrence joins them.

`read` then computes all chunks at once, one program per chunk and head. Between the steps of a chunk, the decay is the
exponential of a sum over the steps between them, as in plain torch: never a difference of two sums from the start, nor
a quotient.

Matrix products use TensorFloat-32: three per product if the operands are float32, which is as exact as float32.
"""

from __future__ import annotations

from typing import Any

import torch
import triton
import triton.language as tl
from torch import Tensor

from ..linear_recurrence.torch_form import before_each
from ..native import as_rows
from ..triton_functions import LOG2_E, load_rows
from ..triton_launch import launch, power_of_two, segment_steps
from .operation import Operands
from .torch_form import checkpoint_steps

TILE, EXACT_TILE = 64, 32
"""Largest extents of a tile along either axis of the state: the three products for float32 need more registers."""


@triton.jit
def logarithms(log_decay, step, rows, columns, rows_inside, columns_inside, BY_CHANNEL: tl.constexpr):
    """Load decays as powers of two (rows, columns), or (rows, 1) if a head has one; zero past the end."""
    if BY_CHANNEL:
        found = load_rows(log_decay, step, rows, columns, rows_inside, columns_inside)
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

    The walk starts from `carried`, (batch, segments, heads, p, n). Forward, `given` is x and `written` is B. With
    REVERSE they are dy and C, and the walk goes from the last chunk to the first. ENDS writes only `carried` and the
    `sums` of the logarithms (batch, segments, heads, 1 or n).
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
        b = load_rows(written + first * written_step, written_step, rows, m, inside, n)
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


@triton.jit
def place(tiles, chunks, heads):
    """Return the tile, chunk, row of the batch and head of this program."""
    row = tl.program_id(0) // (tiles * chunks)
    inside = tl.program_id(0) % (tiles * chunks)
    return inside % tiles, inside // tiles, (row // heads).to(tl.int64), row % heads


@triton.jit
def between(log_decay, step, rows, inside):
    """Return the decay (rows, rows) from the second step to the first for one decay per head; zero back in time."""
    passed = logarithms(log_decay, step, rows, rows, inside, 0, False)
    passed = tl.cumsum(tl.where(rows[:, None] > rows, passed, 0.0), 0)
    return tl.where(rows[:, None] >= rows, tl.exp2(passed), 0.0)


@triton.jit
def further(passed, log_decay, step, j, rows, columns, inside, n):
    """Return the logarithms (rows, columns) of the decay from step j to each later one, given those from step j + 1."""
    following = tl.load(log_decay + (j + 1) * step + columns, (columns < n) & (j + 1 < inside), 0.0).to(tl.float32)
    return tl.where((rows > j)[:, None], passed + following * LOG2_E, 0.0)


@triton.jit
def scores_by_channel(c, B, B_step, log_decay, log_decay_step, rows, columns, inside, n, STEPS: tl.constexpr):
    """Return the weights with which steps read steps (rows, rows), one column after another from the last."""
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
    """Write y from x in `given` and the states before each chunk; or dx from dy and the gradients of the states after.

    The two mirror each other: forward, a step reads with C what earlier steps wrote with B; backward, it reads with B
    the gradients of later steps.
    """
    chunks = tl.cdiv(length, STEPS)
    tile, chunk, batch, head = place(tl.cdiv(p, BLOCK_P), chunks, heads)
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
        c = load_rows(C, C_step, rows, m, inside, n)
        if BY_CHANNEL:
            scores += scores_by_channel(c, B, B_step, log_decay, log_decay_step, rows, m, inside, n, STEPS)
        if BACKWARD or not BY_CHANNEL:
            b = load_rows(B, B_step, rows, m, inside, n)
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
    total += tl.dot(scores, load_rows(given, given_step, rows, i, inside, p), input_precision=PRECISION)
    cells = ((batch * length + first) * heads + head) * p + rows[:, None] * heads * p + i
    tl.store(out + cells, total.to(out.dtype.element_ty), (rows < inside)[:, None] & (i < p))


def forward(operands: Operands) -> tuple[Tensor, Tensor, Tensor]:
    operands = in_rows(operands)
    x, _, B, _, initial = operands
    starts, final = states_between(operands, x, B, initial)
    return read_states(operands, x, starts, backward=False), final, starts


def states_between(
    operands: Operands, given: Tensor, written: Tensor, initial: Tensor | None, *, reverse: bool = False
) -> tuple[Tensor, Tensor]:
    """Return the state before each chunk of the walk (batch, chunks, heads, p, n), and that after the last."""
    batch, length, heads, p = given.shape
    n, constants, log_decay = written.shape[3], sizes(operands, given, written), operands.log_decay
    tiles = -(-p // constants["BLOCK_P"]) * -(-n // constants["BLOCK_N"])
    chunks = -(-length // constants["STEPS"])
    segment = segment_steps(chunks, batch * heads * tiles, 1)
    parts = -(-chunks // segment)
    states = given.new_empty(batch, chunks, heads, p, n, dtype=torch.float32)
    carried = torch.zeros(batch, parts, heads, p, n, device=given.device)
    sums = carried.new_empty(batch, parts, heads, 1, n if operands.by_channel else 1)
    first = torch.zeros_like(carried[:, 0]) if initial is None else initial.float()

    def over_segments(carried: Tensor, ends: bool) -> None:
        launch(
            walk,
            (tiles * batch * heads, parts),
            *(given, written, log_decay, carried, states, sums, *head_strides(given, written, log_decay)),
            *(length, heads, p, n, segment),
            REVERSE=reverse,
            ENDS=ends,
            **constants,
        )

    if parts > 1:
        over_segments(carried, True)
        carried, _ = before_each(torch.exp2(sums), carried, first)
    else:
        carried[:, 0] = first
    over_segments(carried, False)
    return states, carried[:, -1].contiguous()


def read_states(operands: Operands, given: Tensor, states: Tensor, *, backward: bool) -> Tensor:
    """Return y from x and the states before each chunk, or dx from dy and the gradients of the states after each."""
    x, log_decay, B, C, _ = operands
    batch, length, heads, p = x.shape
    constants = sizes(operands, given, B)
    out = x.new_empty(x.shape)
    programs = -(-length // constants["STEPS"]) * -(-p // constants["BLOCK_P"])
    launch(
        read,
        (programs * batch * heads,),
        *(given, B, C, log_decay, states, out, *head_strides(given, B, C, log_decay)),
        *(length, heads, p, B.shape[3]),
        BACKWARD=backward,
        **constants,
    )
    return out


def in_rows(operands: Operands) -> Operands:
    """Copy only the tensors that a kernel cannot read in place."""
    log_decay = as_rows(operands.log_decay) if operands.by_channel else operands.log_decay
    return operands._replace(x=as_rows(operands.x), log_decay=log_decay, B=as_rows(operands.B), C=as_rows(operands.C))


def sizes(operands: Operands, x: Tensor, B: Tensor) -> dict[str, Any]:
    exact = torch.float32 in (x.dtype, B.dtype)
    largest = EXACT_TILE if exact else TILE
    p, n = (min(largest, max(16, power_of_two(size))) for size in (x.shape[3], B.shape[3]))
    return {
        "BY_CHANNEL": operands.by_channel,
        "PRECISION": "tf32x3" if exact else "tf32",
        "STEPS": checkpoint_steps(operands),
        "BLOCK_P": p,
        "BLOCK_N": n,
        "num_warps": 8,
    }


def head_strides(*rows: Tensor) -> tuple[int, ...]:
    return tuple(stride for x in rows for stride in x.stride()[:3])
