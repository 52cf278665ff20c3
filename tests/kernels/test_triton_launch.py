"""How Triton kernels are launched: on the device of what they read, and with grids that CUDA takes."""

from contextlib import contextmanager

import pytest
import torch
from archarena.kernels import triton_support
from archarena.kernels.ema.operands import Operands as AveragesOperands
from archarena.kernels.selective_scan.operands import Operands as ScanOperands
from archarena.kernels.ssd.operands import Operands as MatrixOperands

pytest.importorskip("triton")

MANY = 2**16
"""Rows of a batch, or rows times heads: one more than CUDA takes along a grid's second and third axis."""


@pytest.fixture
def grids(monkeypatch):
    """Note the grid of each launch in the place of running it."""
    seen = []
    modules = ("linear_recurrence.triton_walk", "selective_scan.triton_forward", "selective_scan.triton_backward")
    modules += ("ema.triton_averages", "ssd.triton_states", "ssd.triton_outputs", "ssd.triton_backward")
    for module in modules:
        name = f"archarena.kernels.{module}.launch"
        monkeypatch.setattr(name, lambda _, grid, *arguments, **options: seen.append(grid))
    return seen


def linear_recurrence():
    from archarena.kernels.linear_recurrence import triton_walk

    a, b = torch.rand(2, MANY, 2, 1).unbind()
    triton_walk.backward(triton_walk.forward(a, b, None, False), b, a, None, False)


def selective_scan():
    from archarena.kernels.selective_scan import triton_backward, triton_forward

    u, narrow = torch.rand(MANY, 2, 1), torch.rand(MANY, 2, 1)
    operands = ScanOperands(u, u, -torch.ones(1, 1), narrow, narrow, None, None, None, None, False)
    triton_backward.backward(operands, triton_forward.forward(operands)[2], u, None)


def ema():
    from archarena.kernels.ema import triton_averages

    x, small = torch.rand(MANY, 2, 1), torch.rand(1, 1)
    operands = AveragesOperands(x, small, small, None, False)
    triton_averages.backward(operands, triton_averages.forward(operands)[2], x, None)


def ssd():
    from archarena.kernels.ssd import triton_backward, triton_outputs

    x = torch.rand(MANY // 4, 2, 4, 1)
    operands = MatrixOperands(x, -x[..., 0], x, x, None)
    triton_backward.backward(operands, triton_outputs.forward(operands)[2], x, None)


@pytest.mark.parametrize("run", [linear_recurrence, selective_scan, ema, ssd])
def test_a_large_batch_stays_within_the_axes_of_a_grid(run, grids):
    run()
    assert grids
    assert all(programs < MANY for grid in grids for programs in grid[1:])


def test_a_kernel_runs_on_the_device_of_its_first_argument(monkeypatch):
    current, ran = [], []

    @contextmanager
    def device_of(x):
        current.append(x)
        yield
        current.pop()

    class Kernel:
        def __getitem__(self, grid):
            return lambda *arguments, **options: ran.append((grid, current[-1] is arguments[0], options))

    monkeypatch.setattr(torch.cuda, "device_of", device_of)
    triton_support.launch(Kernel(), (3, 1), torch.ones(1), 5, STEPS=2)
    assert ran == [((3, 1), True, {"STEPS": 2})]
