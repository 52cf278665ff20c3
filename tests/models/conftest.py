"""Fixtures of the tests of models."""

import pytest
import torch


@pytest.fixture(autouse=True)
def seeded():
    """Seed each test, and restore the global generator afterwards."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        yield


@pytest.fixture
def signal_paths():
    """Return a function that computes which output positions (rows) depend on which input positions (columns)."""

    def paths(model, x, lengths=None):
        x = x.clone().requires_grad_()
        y = model(x, lengths)
        y = (y * torch.randn_like(y)).sum((0, 2))
        rows = [torch.autograd.grad(value, x, retain_graph=True)[0] for value in y]
        reach = torch.stack([row.abs().sum((0, 2)) for row in rows])
        # Rounding errors of a Fourier transform do not count as a path.
        return reach > 1e-10 * reach.max()

    return paths


@pytest.fixture
def area_paths():
    """Return a function that draws paths in the plane and the iterated integrals of dx and then dy along them."""

    def draw(rows, length):
        paths = torch.randn(rows, length, 2).round().cumsum(1)
        paths = paths / paths.abs().max()
        x, y = (paths - paths[:, :1]).unbind(-1)
        areas = ((x[:, 1:] + x[:, :-1]) / 2 * y.diff()).sum(1, keepdim=True)
        return paths, areas / areas.abs().max()

    return draw
