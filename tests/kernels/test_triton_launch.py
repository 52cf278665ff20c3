"""How Triton kernels are launched: on the device of their inputs, and with grids that CUDA allows."""

from contextlib import contextmanager
from importlib import import_module

import pytest
import torch
from archarena.kernels import triton_launch
from archarena.kernels.ema.operation import Operands as AveragesOperands
from archarena.kernels.linear_recurrence.operation import Operands as RecurrenceOperands
from archarena.kernels.selective_scan.operation import Operands as ScanOperands
from archarena.kernels.ssd.operation import Operands as MatrixOperands

pytest.importorskip("triton")

MANY = 2**16
"""Batch rows, or rows times heads: one more than CUDA allows along the second and third axis of a grid."""

ROWS = torch.rand(MANY, 2, 1)
OPERANDS = {
    "linear_recurrence": RecurrenceOperands(ROWS, ROWS, None, False),
    "selective_scan": ScanOperands(ROWS, ROWS, -torch.ones(1, 1), ROWS, ROWS, None, None, None, None, False),
    "ema": AveragesOperands(ROWS, ROWS[0, :1], ROWS[0, :1], False),
    "ssd": MatrixOperands(*([ROWS.view(-1, 2, 4, 1)] * 4), None),
}


@pytest.mark.parametrize("operation", OPERANDS)
def test_a_large_batch_stays_within_the_axes_of_a_grid(operation, monkeypatch):
    """Collects the grids instead of launching."""
    grids, operands = [], OPERANDS[operation]
    forward, backward = (
        import_module(f"archarena.kernels.{operation}.triton_{name}") for name in ("forward", "backward")
    )
    for module in (forward, backward):
        if hasattr(module, "launch"):
            monkeypatch.setattr(module, "launch", lambda _, grid, *arguments, **options: grids.append(grid))
    found = forward.forward(operands)
    y, *others = found if isinstance(found, tuple) else (found,)
    no_final = (None,) if len(others) == 2 else ()
    backward.backward(operands, *others[-1:], y, *no_final)
    assert len(grids) > 1
    assert all(programs < MANY for grid in grids for programs in grid[1:])


def test_sequences_are_cut_only_to_fill_the_gpu():
    assert triton_launch.segment_steps(100, 1, 16) == 112
    assert triton_launch.segment_steps(129, 1, 16) == 128
    assert triton_launch.segment_steps(100_000, 2000, 16) == 100_000


def test_programs_take_twice_the_channels_if_all_strides_are_multiples_of_16():
    assert (triton_launch.channels_per_program(80, 16), triton_launch.channels_per_program(80, 40)) == (64, 32)


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
    triton_launch.launch(Kernel(), (3, 1), torch.ones(1), 5, STEPS=2)
    assert ran == [((3, 1), True, {"STEPS": 2})]
