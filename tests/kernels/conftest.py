"""Comparison of fast paths with their references."""

from __future__ import annotations

import pytest
import torch


def with_gradients(operation, tensors):
    """Return the outputs of an operation and the gradients of a fixed weighted sum of them."""
    given = [x.detach().requires_grad_() if is_differentiable(x) else x for x in tensors]
    outputs = operation(*given)
    outputs = outputs if isinstance(outputs, tuple) else (outputs,)
    generator = torch.Generator().manual_seed(1)
    weights = [torch.randn(y.shape, generator=generator, dtype=torch.float64).to(y.dtype) for y in outputs]
    loss = torch.stack([(y * w).sum().real for y, w in zip(outputs, weights, strict=True)]).sum()
    return [*(y.detach() for y in outputs), *torch.autograd.grad(loss, [x for x in given if is_differentiable(x)])]


def is_differentiable(x):
    return x is not None and (x.is_floating_point() or x.is_complex())


def assert_same(found, expected, tolerance=1e-5):
    """Compare in double precision, relative to the largest entry of each tensor."""
    for a, b in zip(found, expected, strict=True):
        assert a.shape == b.shape
        a, b = (x.to(torch.promote_types(x.dtype, torch.float64)) for x in (a, b))
        torch.testing.assert_close(a, b, rtol=0, atol=tolerance * max(1.0, b.abs().max().item()))


def in_double(tensors):
    return [x.to(torch.promote_types(x.dtype, torch.float64)) if is_differentiable(x) else x for x in tensors]


@pytest.fixture(params=["c", "torch"])
def each_path(request, monkeypatch):
    """Run a test on the C path, and again as on a machine without a compiler."""
    if request.param == "torch":
        monkeypatch.setenv("ARCHARENA_NATIVE", "0")
    with torch._dynamo.config.patch(disable=request.param == "torch"):
        yield request.param


@pytest.fixture(scope="session")
def assert_agrees():
    """Compare all outputs and gradients of an operation with its reference in double precision."""

    def check(operation, reference, tensors, tolerance=1e-5):
        assert_same(with_gradients(operation, tensors), with_gradients(reference, in_double(tensors)), tolerance)

    return check


@pytest.fixture
def same_with_any_number_of_threads():
    """Check that outputs and gradients are bit-identical when repeated and with other numbers of threads."""
    before = torch.get_num_threads()

    def check(operation, tensors):
        runs = []
        for threads in (1, 1, 2, 3):
            torch.set_num_threads(threads)
            runs.append(with_gradients(operation, tensors))
        for run in runs[1:]:
            assert all(map(torch.equal, runs[0], run))

    yield check
    torch.set_num_threads(before)
