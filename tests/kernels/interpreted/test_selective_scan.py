"""The Triton kernels of the selective scan against its reference."""

from __future__ import annotations

import pytest
import torch
from archarena.kernels import paths_taken
from archarena.kernels.selective_scan import selective_scan
from archarena.kernels.selective_scan.reference import reference


def scan(*x):
    return selective_scan(*x[:8], delta_softplus=True, initial_state=x[8], return_final_state=True)


def slow_scan(*x):
    return reference(*x[:8], delta_softplus=True, initial_state=x[8])


@pytest.mark.parametrize("length", [1, 7, 17])
@pytest.mark.usefixtures("short_segments")
def test_agrees_with_the_loop_in_float64(operands_of, assert_agrees, length):
    assert_agrees(scan, slow_scan, operands_of("test_selective_scan", 1, length, 33, 3))
    assert paths_taken()["selective_scan"] == ["triton"]


def test_programs_of_twice_the_channels(operands_of, assert_agrees):
    assert_agrees(scan, slow_scan, operands_of("test_selective_scan", 1, 3, 80, 16))


@pytest.mark.usefixtures("short_segments")
def test_complex_states_and_three_segments(operands_of, assert_agrees):
    assert_agrees(scan, slow_scan, operands_of("test_selective_scan", 1, 9, 33, 3, complex_states=True))


def test_nothing_optional(operands_of, assert_agrees):
    u, delta, *rest = operands_of("test_selective_scan", 2, 20, 5, 4)[:5]

    def bare(*x):
        return selective_scan(*x, return_final_state=True)

    assert_agrees(bare, reference, (u, delta.exp(), *rest))


def test_bfloat16_rows_come_back_within_two_units_in_the_last_place(operands_of):
    """The interpreter truncates and a GPU rounds, hence one unit more."""
    given = [
        x.bfloat16() if i in (0, 1, 3, 4, 6) else x
        for i, x in enumerate(operands_of("test_selective_scan", 1, 20, 5, 4))
    ]
    half, _ = scan(*given)
    full, _ = scan(*(x.float() for x in given))
    assert half.dtype == torch.bfloat16
    torch.testing.assert_close(half.float(), full, rtol=2 * 2**-8, atol=1e-6)


def test_nothing_is_written_past_the_end(operands_of, guarded):
    given = operands_of("test_selective_scan", 1, 20, 5, 3)
    with guarded() as rooms:
        scan(*(x.requires_grad_() for x in given))[0].sum().backward()
    assert len(rooms) > 8
