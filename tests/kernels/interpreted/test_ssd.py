"""The Triton kernels of the recurrence of matrix states against its reference in float64."""

from __future__ import annotations

from functools import partial

import pytest
import torch
from archarena.kernels import paths_taken
from archarena.kernels.ssd import ssd
from archarena.kernels.ssd.reference import reference

EACH_KIND = pytest.mark.parametrize("by_channel", [False, True], ids=["decay per head", "decay per entry"])


@pytest.fixture
def operands(operands_of):
    return partial(operands_of, "test_ssd")


def fast(*tensors):
    return ssd(*tensors, return_final_state=True)


@pytest.mark.parametrize(
    ("shape", "by_channel"),
    [
        ((1, 1, 2, 4, 5), False),
        ((2, 64, 2, 3, 40), False),
        ((1, 130, 2, 40, 17), False),
        ((2, 1, 1, 4, 5), True),
        ((1, 16, 1, 3, 40), True),
        ((1, 35, 1, 40, 17), True),
    ],
)
def test_agrees_with_the_loop_in_float64(operands, assert_agrees, shape, by_channel):
    given = operands(*shape, by_channel=by_channel)
    assert_agrees(fast, reference, given[: 4 if shape[1] in (16, 64) else 5])
    assert paths_taken()["ssd"] == ["triton"]


@pytest.mark.usefixtures("short_segments")
def test_a_sequence_cut_into_segments(operands, assert_agrees):
    assert_agrees(fast, reference, operands(1, 150, 1))


@EACH_KIND
@pytest.mark.parametrize("strength", [1e-4, 100.0])
def test_very_weak_and_very_strong_decays(operands, assert_agrees, by_channel, strength):
    length = 20 if by_channel else 70
    assert_agrees(fast, reference, operands(1, length, 1, by_channel=by_channel, strength=strength))


@EACH_KIND
def test_minus_infinity_is_a_reset(operands, by_channel):
    x, log_decay, B, C, initial = operands(1, 20, 1, by_channel=by_channel)
    log_decay[:, 13] = -torch.inf
    log_decay.requires_grad_()
    y = ssd(x, log_decay, B, C, initial)
    torch.testing.assert_close(y[:, 13:], reference(x[:, 13:], log_decay[:, 13:], B[:, 13:], C[:, 13:])[0])
    y.sum().backward()
    assert log_decay.grad.isfinite().all()


def test_rows_shared_by_several_heads_are_read_in_place(operands, assert_agrees):
    x, log_decay, B, C, _ = operands(length=20)

    def shared(run):
        return lambda x, log_decay, B, C: run(x, log_decay, *(rows.expand(-1, -1, x.shape[2], -1) for rows in (B, C)))

    assert_agrees(shared(fast), shared(reference), (x, log_decay, B[:, :, :1], C[:, :, :1]))


@EACH_KIND
def test_bfloat16_rows_come_back_within_two_units_in_the_last_place(operands, by_channel):
    """The interpreter truncates and a GPU rounds, hence one unit more."""
    x, log_decay, B, C, _ = operands(1, 20, 1, by_channel=by_channel)
    given = [x.bfloat16(), log_decay, B.bfloat16(), C.bfloat16()]
    (y, *found), (y_full, *expected) = (
        (out := ssd(*leaves), *torch.autograd.grad(out.float().sum(), leaves))
        for leaves in ([r.requires_grad_() for r in rows] for rows in (given, [r.float().detach() for r in given]))
    )
    assert [rows.dtype for rows in (y, *found)] == [torch.bfloat16, *(rows.dtype for rows in given)]
    for a, b in zip((y, *found), (y_full, *expected), strict=True):
        torch.testing.assert_close(a.float(), b, rtol=2 * 2**-8, atol=1e-4)


def test_the_same_bits_twice(operands):
    given = operands(length=70)
    assert all(map(torch.equal, fast(*given), fast(*given)))


def test_nothing_is_written_past_the_end(operands, guarded):
    x, log_decay, B, C, initial = (rows.requires_grad_() for rows in operands(1, 20, 1, 3, 5))
    with guarded() as rooms:
        fast(x, log_decay, B, C, initial)[0].sum().backward()
    assert len(rooms) > 6
