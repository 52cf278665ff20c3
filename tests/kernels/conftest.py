"""How a fast path is compared with its reference."""

from __future__ import annotations

import pytest
import torch


def with_gradients(operation, tensors):
    """Return the outputs of an operation and the gradients of a fixed weighted sum of them."""
    given = [None if x is None else x.detach().requires_grad_() for x in tensors]
    outputs = operation(*given)
    outputs = outputs if isinstance(outputs, tuple) else (outputs,)
    generator = torch.Generator().manual_seed(1)
    weights = [torch.randn(y.shape, generator=generator, dtype=torch.float64).to(y.dtype) for y in outputs]
    loss = torch.stack([(y * w).sum().real for y, w in zip(outputs, weights, strict=True)]).sum()
    return [*(y.detach() for y in outputs), *torch.autograd.grad(loss, [x for x in given if x is not None])]


def assert_same(found, expected, tolerance=1e-5):
    """Compare in double precision, relative to the largest entry of each tensor."""
    for a, b in zip(found, expected, strict=True):
        assert a.shape == b.shape
        a, b = (x.to(torch.promote_types(x.dtype, torch.float64)) for x in (a, b))
        torch.testing.assert_close(a, b, rtol=0, atol=tolerance * max(1.0, b.abs().max().item()))


def in_double(tensors):
    return [None if x is None else x.to(torch.promote_types(x.dtype, torch.float64)) for x in tensors]


@pytest.fixture(params=["c", "torch"])
def with_and_without_c(request, monkeypatch):
    """Run a test along the C path, and again as where there is no compiler."""
    if request.param == "torch":
        monkeypatch.setenv("ARCHARENA_NATIVE", "0")
    return request.param


@pytest.fixture(scope="session")
def assert_agrees():
    """Hold an operation against its reference in double precision: all outputs, all gradients."""

    def check(operation, reference, tensors, tolerance=1e-5):
        assert_same(with_gradients(operation, tensors), with_gradients(reference, in_double(tensors)), tolerance)

    return check


@pytest.fixture
def same_with_any_number_of_threads():
    """Hold an operation to the same bits, outputs and gradients, twice and on other numbers of threads."""
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
