"""The linear recurrence in plain torch, in two levels: within all blocks of the sequence at once, then across them.

The length is cut into about its square root of blocks, so the number of sequential steps is twice that root instead of
the length. Only products of neighboring decays appear, never a logarithm or a quotient: zero, negative and complex
decays are as exact as in the plain loop.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from ..registration import Gradients
from .operation import Operands

SHORT = 32
"""Number of steps up to which the plain loop is as fast."""


def forward(operands: Operands) -> Tensor:
    return states(*operands)


def backward(operands: Operands, dh: Tensor) -> Gradients:
    a, h, initial_state, reverse = operands
    edge = torch.zeros_like(h[:, :1])
    start = edge if initial_state is None else initial_state[:, None]
    if reverse:
        following, before, first = torch.cat((edge, a[:, :-1]), 1), torch.cat((h[:, 1:], start), 1), -1
    else:
        following, before, first = torch.cat((a[:, 1:], edge), 1), torch.cat((start, h[:, :-1]), 1), 0
    db = states(following.conj(), dh, None, not reverse)
    return db * before.conj(), db, None if initial_state is None else db[:, first] * a[:, first].conj()


def states(a: Tensor, b: Tensor, initial_state: Tensor | None = None, reverse: bool = False) -> Tensor:
    """Return all states; the arguments are those of `linear_recurrence`, with any number of axes after the length."""
    start = torch.zeros_like(b[:, 0]) if initial_state is None else initial_state
    return _run(a.flip(1), b.flip(1), start).flip(1) if reverse else _run(a, b, start)


def before_each(a: Tensor, b: Tensor, initial_state: Tensor) -> tuple[Tensor, Tensor]:
    """Return the state before each step, and the state after the last."""
    after = states(a, b, initial_state)
    return torch.cat((initial_state[:, None], after[:, :-1]), 1), after[:, -1]


def before_each_reversed(a: Tensor, b: Tensor, initial_state: Tensor) -> tuple[Tensor, Tensor]:
    """Return the state before each step if time runs from the last step to the first, and the state after the first."""
    after = states(a, b, initial_state, reverse=True)
    return torch.cat((after[:, 1:], initial_state[:, None]), 1), after[:, 0]


def _run(a: Tensor, b: Tensor, state: Tensor) -> Tensor:
    length = a.shape[1]
    if length <= SHORT:
        return _loop(a, b, state)
    block = math.isqrt(length)
    whole = length // block * block
    inner_a, inner_b = (x[:, :whole].unflatten(1, (-1, block)) for x in (a, b))
    products, local = [inner_a[:, :, 0]], [inner_b[:, :, 0]]
    for a_t, b_t in zip(inner_a.unbind(2)[1:], inner_b.unbind(2)[1:], strict=True):
        products.append(a_t * products[-1])
        local.append(a_t * local[-1] + b_t)
    ends = _run(products[-1], local[-1], state)
    starts = torch.cat((state[:, None], ends[:, :-1]), 1)
    h = torch.addcmul(torch.stack(local, 2), torch.stack(products, 2), starts[:, :, None]).flatten(1, 2)
    return h if whole == length else torch.cat((h, _loop(a[:, whole:], b[:, whole:], ends[:, -1])), 1)


def _loop(a: Tensor, b: Tensor, state: Tensor) -> Tensor:
    states = []
    for a_t, b_t in zip(a.unbind(1), b.unbind(1), strict=True):
        state = torch.addcmul(b_t, a_t, state)
        states.append(state)
    return torch.stack(states, 1)
