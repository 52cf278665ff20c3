"""The linear recurrence in Triton, backward: the walk of `triton_forward` in the other direction."""

from __future__ import annotations

import torch
from torch import Tensor

from ..registration import Gradients
from .operation import Operands
from .triton_forward import over_segments, plain


def backward(operands: Operands, dh: Tensor) -> Gradients:
    a, h, initial_state, reverse = operands
    da, db = torch.empty_like(h), torch.empty_like(h)
    over_segments(operands, dh, db, h, da)
    first = -1 if reverse else 0
    return da, db, None if initial_state is None else db[:, first] * plain(a)[:, first].conj()
