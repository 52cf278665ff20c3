"""The Triton kernels of the recurrences against their references."""

from __future__ import annotations

import pytest
import torch
from archarena.kernels import paths_taken, triton_support
from archarena.kernels.ema import ema, triton_averages
from archarena.kernels.ema.reference import reference as ema_reference
from archarena.kernels.linear_recurrence import linear_recurrence
from archarena.kernels.linear_recurrence.reference import reference as recurrence_reference
from archarena.kernels.selective_scan import selective_scan, triton_backward, triton_forward
from archarena.kernels.selective_scan.reference import reference as scan_reference


@pytest.fixture(params=[1, 7, 129])
def length(request):
    return request.param


@pytest.mark.parametrize(
    ("dtype", "reverse"), [(torch.float32, False), (torch.float32, True), (torch.complex64, False)]
)
def test_linear_recurrence(operands_of, assert_agrees, length, dtype, reverse):
    def fast(*x):
        return linear_recurrence(*x, reverse=reverse)

    def slow(*x):
        return recurrence_reference(*x, reverse=reverse)

    given = operands_of("test_linear_recurrence", 1, length, 33, dtype=dtype)
    assert_agrees(fast, slow, given[: 2 if length == 7 else 3])
    assert "triton" in paths_taken()["linear_recurrence"]


@pytest.mark.parametrize("reverse", [False, True])
def test_ema(operands_of, monkeypatch, assert_agrees, length, reverse):
    def fast(*x):
        return ema(*x, reverse=reverse, return_final_state=True)

    def slow(*x):
        return ema_reference(*x, reverse=reverse)

    monkeypatch.setattr(triton_averages, "LEAST", 2)
    length = min(length, 33)
    assert_agrees(fast, slow, operands_of("test_ema", 1, length, 65, 3)[: 3 if length == 7 else 4])
    assert paths_taken()["ema"] == ["triton"]


def scan(*x):
    return selective_scan(*x[:8], delta_softplus=True, initial_state=x[8], return_final_state=True)


def slow_scan(*x):
    return scan_reference(*x[:8], delta_softplus=True, initial_state=x[8])


def test_selective_scan(operands_of, assert_agrees, length):
    assert_agrees(scan, slow_scan, operands_of("test_selective_scan", 1, length, 33, 3))
    assert paths_taken()["selective_scan"] == ["triton"]


def test_programs_take_twice_the_channels_where_all_strides_are_multiples_of_16(operands_of, assert_agrees):
    assert (triton_support.channels_a_program(80, 16), triton_support.channels_a_program(80, 40)) == (64, 32)
    assert_agrees(scan, slow_scan, operands_of("test_selective_scan", 1, 9, 80, 16))
    assert_agrees(ema, lambda *x: ema_reference(*x)[0], operands_of("test_ema", 1, 9, 80, 3))


def test_selective_scan_over_complex_states(operands_of, monkeypatch, assert_agrees):
    """Two segments, which a first pass joins."""
    for module in (triton_forward, triton_backward):
        monkeypatch.setattr(module, "segment_steps", lambda *_: 16)
    assert_agrees(scan, slow_scan, operands_of("test_selective_scan", 1, 21, 33, 3, complex_states=True))


def test_selective_scan_with_nothing_optional(operands_of, assert_agrees):
    u, delta, *rest = operands_of("test_selective_scan", 2, 20, 5, 4)[:5]

    def bare(*x):
        return selective_scan(*x, return_final_state=True)

    assert_agrees(bare, scan_reference, (u, delta.exp(), *rest))


def test_bfloat16_rows_come_back_within_two_units_in_the_last_place(operands_of):
    """The interpreter cuts what it casts to bfloat16, where a GPU rounds: one unit more."""
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


def test_short_sequences_are_not_cut():
    assert triton_support.segment_steps(100, 1, 16) == 112
    assert triton_support.segment_steps(129, 1, 16) == 128
    assert triton_support.segment_steps(100_000, 2000, 16) == 100_000
