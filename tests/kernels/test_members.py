"""`torch.vmap` over any operands of any operation equals a loop over the members, forward and backward."""

from __future__ import annotations

import pytest
import torch
from archarena.kernels.depthwise_conv import torch_form
from archarena.kernels.depthwise_conv.operation import conv
from archarena.kernels.ema.operation import averages
from archarena.kernels.linear_recurrence.operation import recurrence
from archarena.kernels.mu_layer.operation import product
from archarena.kernels.selective_scan.operation import scan as selective_scan
from archarena.kernels.ssd.operation import scan as ssd

MEMBERS, B, L, C, N = 3, 2, 9, 4, 5


def normal(*shape):
    return torch.randn(shape)


def negative(*shape):
    return -torch.rand(*shape)


OPERATIONS = {
    "depthwise_conv": (conv, [(normal, B, L, C), (normal, C, 3), (normal, C)], (2, 1, True, True)),
    "ema": (averages, [(normal, B, L, C), (torch.rand, C, N), (normal, C, N)], (True,)),
    "linear_recurrence": (recurrence, [(torch.rand, B, L, C), (normal, B, L, C), (normal, B, C)], (False,)),
    "ssd": (
        ssd,
        [(normal, B, L, 2, C), (negative, B, L, 2), (normal, B, L, 2, N), (normal, B, L, 2, N), (normal, B, 2, C, N)],
        (),
    ),
    "selective_scan": (
        selective_scan,
        [
            *((normal, B, L, C), (torch.rand, B, L, C), (negative, C, N), (normal, B, L, N), (normal, B, L, N)),
            *((normal, C), (normal, B, L, C), (normal, C), (normal, B, C, N)),
        ],
        (True,),
    ),
    "mu_layer": (
        product,
        [(normal, B, L, C), (normal, B, L, C), (normal, C), (normal, C), (normal, C), (normal, C), (normal,)],
        (None, 1e-6),
    ),
}


def combinations(count):
    """Return which operands are mapped: all, each one alone, and all but the first."""
    alone = [tuple(index == one for index in range(count)) for one in range(count)]
    return [(True,) * count, *alone, (False, *(True,) * (count - 1))]


CASES = [(name, mapped) for name in OPERATIONS for mapped in combinations(len(OPERATIONS[name][1]))]


def named(case):
    return case if isinstance(case, str) else "".join("m" if x else "-" for x in case)


@pytest.mark.parametrize(("name", "mapped"), CASES, ids=named)
def test_mapping_any_operands_equals_a_loop(name, mapped, each_path):
    operation, shapes, options = OPERATIONS[name]
    torch.manual_seed(0)
    tensors, in_dims = [], []
    for index, ((draw, *shape), each) in enumerate(zip(shapes, mapped, strict=True)):
        place = len(shape) if index % 2 else 0
        full = [*shape[:place], MEMBERS, *shape[place:]] if each else shape
        tensors.append(draw(*full).requires_grad_())
        in_dims.append(place if each else None)

    def loss(*given):
        found = operation(*given, *options)
        y = found[0] if isinstance(found, tuple) else found
        return (y * y).sum() + (found[1].sum() if name in ("ssd", "selective_scan") else 0)

    def member(index):
        chosen = zip(tensors, in_dims, strict=True)
        return [x if dim is None else x.select(dim, index) for x, dim in chosen]

    looped = torch.stack([loss(*member(index)) for index in range(MEMBERS)])
    together = torch.vmap(loss, tuple(in_dims))(*tensors)
    torch.testing.assert_close(together, looped)
    expected = torch.autograd.grad(looped.sum(), tensors)
    torch.testing.assert_close(torch.autograd.grad(together.sum(), tensors), expected, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("name", OPERATIONS)
def test_several_gradients_of_the_outputs_are_pulled_back_at_once(name, each_path):
    operation, shapes, options = OPERATIONS[name]
    torch.manual_seed(0)
    tensors = [draw(*shape).requires_grad_() for draw, *shape in shapes]
    found = operation(*tensors, *options)
    y = found[0] if isinstance(found, tuple) else found
    gradients = torch.randn(MEMBERS, *y.shape)
    expected = [torch.autograd.grad(y, tensors, gradient, retain_graph=True) for gradient in gradients]
    together = torch.vmap(lambda gradient: torch.autograd.grad(y, tensors, gradient, retain_graph=True))(gradients)
    for a, b in zip(together, zip(*expected, strict=True), strict=True):
        torch.testing.assert_close(a, torch.stack(b), rtol=1e-4, atol=1e-4)


def test_members_that_fit_next_to_each_other_take_one_call(monkeypatch):
    monkeypatch.setenv("ARCHARENA_NATIVE", "0")
    calls, forward = [], torch_form.forward
    monkeypatch.setattr(torch_form, "forward", lambda operands: calls.append(operands.x.shape) or forward(operands))
    x, weight = torch.randn(MEMBERS, B, L, C), torch.randn(MEMBERS, C, 3)
    torch.vmap(lambda x, weight: conv(x, weight, None, 1, 2, False, False))(x, weight)
    assert calls == [(B, L, MEMBERS * C)]
