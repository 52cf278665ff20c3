"""Attention in chunks through Triton: grids, strides and tile sizes for `triton_kernels`."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from ..native import as_rows
from ..triton_support import launch, power_of_two
from .folded import fold
from .operands import Gradients, Operands
from .triton_kernels import attend, differentiate

LARGEST, LARGEST_MET = 64, 32
"""Most rows of the tile that a program holds, and of those that it meets."""

WIDTH = {"tf32": 32, "tf32x3": 16}
"""Channels that a product takes at a time: float32's three products need more registers."""

WIDEST = {"tf32": 128, "tf32x3": 64}
"""Most channels of a tile of results: where there are more, scores are formed again for each tile of them."""

PARTS_ENTRIES = 2**23
"""Most entries of the parts of the bias's gradient, where one part does not have more already."""


def forward(operands: Operands) -> Tensor:
    """Return what each query makes of the values."""
    operands = _in_place(operands)
    return _attend(operands, operands.v, turned=False)


def backward(operands: Operands, dy: Tensor) -> Gradients:
    """Return the gradients of all operands."""
    operands, dy = _in_place(operands), as_rows(dy)
    dq, dbias = _differentiate(operands, dy, turned=False)
    dk, _ = _differentiate(operands, dy, turned=True)
    return Gradients(dq, dk, _attend(operands, dy, turned=True), dbias)


def _attend(operands: Operands, given: Tensor, *, turned: bool) -> Tensor:
    """Return y, given v; or, turned, dv, given dy."""
    q, k, v, *_ = operands
    own, other = (k, q) if turned else (q, k)
    out = v.new_empty(v.shape)
    programs, tile = _chunks(operands) * _tiles(operands), _tile(operands, v)
    launch(
        attend,
        (programs, -(-v.shape[2] // tile["BLOCK_OUT"])),
        *(own, other, given, operands.bias, operands.valid, _seen(operands), out),
        *(*_strides(own, other, given), *_sizes(operands)),
        TURNED=turned,
        **tile,
    )
    return out


def _differentiate(operands: Operands, dy: Tensor, *, turned: bool) -> tuple[Tensor, Tensor | None]:
    """Return dq and dbias; or, turned, dk and None."""
    q, k, v, bias, *_ = operands
    own, other, through, met_through = (k, q, v, dy) if turned else (q, k, dy, v)
    out = own.new_empty(own.shape)
    chunks, tile = _chunks(operands), _tile(operands, own)
    share, parts = 1, None
    if bias is not None and not turned:
        share = -(-chunks // max(1, PARTS_ENTRIES // bias.numel()))
        parts = bias.new_empty(-(-chunks // share), *bias.shape, dtype=torch.float32).zero_()
    launch(
        differentiate,
        (-(-chunks // share) * _tiles(operands), -(-own.shape[2] // tile["BLOCK_OUT"])),
        *(own, other, through, met_through, bias, operands.valid, _seen(operands), out, parts),
        *(*_strides(own, other, through, met_through), *_sizes(operands), chunks, share),
        TURNED=turned,
        **tile,
    )
    return out, None if bias is None or parts is None else parts.sum(0).to(bias.dtype)


def _in_place(operands: Operands) -> Operands:
    """Copy only what the kernels cannot read where it lies; booleans become bytes."""
    rows = {name: as_rows(x) for name in ("q", "k", "v", "bias") if (x := getattr(operands, name)) is not None}
    valid = None if operands.valid is None else operands.valid.contiguous().view(torch.uint8)
    return operands._replace(**rows, valid=valid)


def _seen(operands: Operands) -> Tensor | None:
    """Return how many keys each query sees (batch, length), at least one; None where its place tells."""
    if operands.valid is None:
        return None
    folded = fold(operands.valid[..., None], operands.size)
    counts = folded.cumsum(2) if operands.causal else folded.sum(2, keepdim=True).expand_as(folded)
    return counts.flatten(1)[:, : operands.q.shape[1]].clamp(min=1).float().contiguous()


def _chunks(operands: Operands) -> int:
    return len(operands.q) * -(-operands.q.shape[1] // operands.size)


def _tiles(operands: Operands) -> int:
    return -(-operands.size // _block(operands))


def _block(operands: Operands) -> int:
    return min(LARGEST, max(16, power_of_two(operands.size)))


def _strides(*rows: Tensor) -> tuple[int, ...]:
    return tuple(stride for x in rows for stride in x.stride()[:2])


def _sizes(operands: Operands) -> tuple[int, ...]:
    q, _, v, bias, *_ = operands
    return 0 if bias is None else bias.stride(0), q.shape[1], operands.size, q.shape[2], v.shape[2]


def _tile(operands: Operands, out: Tensor) -> dict[str, Any]:
    """Return what a kernel with results as wide as `out` is compiled for."""
    precision = "tf32x3" if operands.v.dtype == torch.float32 else "tf32"
    return {
        "LAPLACE": operands.weighting == "laplace",
        "CAUSAL": operands.causal,
        "BIAS": operands.bias is not None,
        "VALID": operands.valid is not None,
        "PRECISION": precision,
        "BLOCK": _block(operands),
        "BLOCK_MET": min(LARGEST_MET, _block(operands)),
        "BLOCK_OUT": min(WIDEST[precision], max(16, power_of_two(out.shape[2]))),
        "WIDTH": WIDTH[precision],
        "num_warps": 4 if _block(operands) == 16 else 8,
    }
