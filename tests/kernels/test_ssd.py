from __future__ import annotations

import pytest
import torch
from archarena.kernels import paths_taken
from archarena.kernels.paths import path
from archarena.kernels.ssd import cost, operation, ssd, workload
from archarena.kernels.ssd.reference import reference
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.utils.flop_counter import FlopCounterMode

LENGTHS = (1, 7, 17, 65, 130)


def operands(batch=2, length=65, heads=3, p=4, n=5, *, by_channel=False, seed=0, strength=1.0):
    """All operands in order, with decays from one to almost zero."""
    generator = torch.Generator().manual_seed(seed)

    def normal(*shape):
        return torch.randn(*shape, generator=generator)

    rows = (batch, length, heads)
    log_decay = -strength * normal(*rows, n).exp() if by_channel else -strength * normal(*rows).exp()
    return [normal(*rows, p), log_decay, normal(*rows, n), normal(*rows, n), normal(batch, heads, p, n)]


def fast(*tensors):
    return ssd(*tensors, return_final_state=True)


@pytest.mark.parametrize("by_channel", [False, True])
@pytest.mark.parametrize("length", LENGTHS)
def test_agrees_with_the_loop_in_float64(assert_agrees, each_path, length, by_channel):
    given = operands(length=length, by_channel=by_channel)
    assert_agrees(fast, reference, given)
    assert_agrees(fast, reference, given[:4])
    assert path("ssd", given[0]) == each_path
    assert each_path in paths_taken()["ssd"]


@settings(max_examples=20)
@given(
    shape=st.tuples(*(st.integers(1, n) for n in (3, 140, 3, 20, 9))), by_channel=st.booleans(), seed=st.integers(0, 99)
)
def test_any_shape(shape, by_channel, seed):
    given = operands(*shape, by_channel=by_channel, seed=seed)
    y, final = fast(*given)
    y_expected, final_expected = reference(*(x.double() for x in given))
    torch.testing.assert_close(y.double(), y_expected, rtol=0, atol=1e-4)
    torch.testing.assert_close(final.double(), final_expected, rtol=0, atol=1e-4)


@pytest.mark.parametrize("by_channel", [False, True])
@pytest.mark.parametrize("strength", [1e-4, 100.0])
def test_very_weak_and_very_strong_decays(assert_agrees, each_path, by_channel, strength):
    assert_agrees(fast, reference, operands(length=200, by_channel=by_channel, strength=strength))


@pytest.mark.parametrize("by_channel", [False, True])
def test_minus_infinity_is_a_reset(each_path, by_channel):
    x, log_decay, B, C, initial = operands(length=100, by_channel=by_channel)
    log_decay[:, 70] = -torch.inf
    log_decay.requires_grad_()
    y = ssd(x, log_decay, B, C, initial)
    torch.testing.assert_close(y[:, 70:], ssd(x[:, 70:], log_decay[:, 70:], B[:, 70:], C[:, 70:]))
    y.sum().backward()
    assert log_decay.grad.isfinite().all()


def test_one_decay_per_head_is_the_same_decay_for_each_entry():
    x, log_decay, B, C, initial = operands(length=100)
    repeated = log_decay[..., None].expand_as(B)
    torch.testing.assert_close(ssd(x, log_decay, B, C, initial), ssd(x, repeated, B, C, initial), rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("cut", [1, 64, 100])
def test_two_halves_joined_by_the_state_are_the_whole(cut):
    *rows, initial = operands(length=128)
    y, final = fast(*rows, initial)
    y_first, state = fast(*(x[:, :cut] for x in rows), initial)
    y_second, end = fast(*(x[:, cut:] for x in rows), state)
    torch.testing.assert_close(torch.cat((y_first, y_second), 1), y, rtol=1e-4, atol=1e-4)
    torch.testing.assert_close(end, final, rtol=1e-4, atol=1e-4)


def test_never_looks_ahead(each_path):
    x, *rest = operands(length=100)
    altered = x.clone()
    altered[:, 60] += 1
    assert torch.equal(ssd(x, *rest)[:, :60], ssd(altered, *rest)[:, :60])


@pytest.mark.parametrize("by_channel", [False, True])
def test_any_number_of_threads_gives_the_same_bits(same_with_any_number_of_threads, by_channel):
    same_with_any_number_of_threads(fast, operands(by_channel=by_channel))


@pytest.mark.parametrize("by_channel", [False, True])
def test_float64_is_computed_in_float64(by_channel):
    given = [x.double().requires_grad_() for x in operands(1, 20, 1, 2, 2, by_channel=by_channel)]
    assert torch.autograd.gradcheck(fast, given)


def test_half_precision_is_computed_in_float32():
    given = [x.bfloat16() for x in operands()]
    y, final = fast(*given)
    assert (y.dtype, final.dtype) == (torch.bfloat16, torch.float32)
    assert torch.equal(y, ssd(*(x.float() for x in given)).bfloat16())


def test_registration():
    given = [x.requires_grad_() for x in operands(1, 9, 2, 3, 2)]
    torch.library.opcheck(operation.scan, (*given,))
    torch.library.opcheck(operation.scan, (*operands(1, 9, 2, 3, 2, by_channel=True)[:4], None))


def test_vmap():
    x, *rest = operands(length=9)
    mapped = torch.vmap(lambda x: ssd(x, *rest))(torch.stack((x, 2 * x)))
    assert torch.equal(mapped, torch.stack((ssd(x, *rest), ssd(2 * x, *rest))))


@pytest.mark.parametrize("by_channel", [False, True])
def test_the_flop_counter_sees_both_passes(by_channel):
    given = [x.requires_grad_() for x in operands(2, 9, 3, 4, 5, by_channel=by_channel)]
    with FlopCounterMode(display=False) as counter:
        ssd(*given).sum().backward()
    both = [cost(2, 9, 3, 4, 5, by_channel=by_channel, backward=backward).flops for backward in (False, True)]
    assert counter.get_total_flops() == sum(both)


def test_cost_counts_each_byte_once():
    given = operands(2, 9, 3, 4, 5)
    y = given[0]
    assert cost(2, 9, 3, 4, 5).bytes == sum(x.nbytes for x in (*given, y))


@pytest.mark.parametrize("index", [1, 2, 3, 4])
def test_an_operand_of_another_shape_is_named(index):
    given = operands()
    given[index] = given[index][:1]
    with pytest.raises(ValueError, match=rf"^{('x', 'log_decay', 'B', 'C', 'initial_state')[index]} has shape"):
        ssd(*given)


@pytest.mark.parametrize(("by_channel", "strongest"), [(False, 0.2), (True, 0.02)])
def test_timed_decays_are_weak_enough_for_the_other_forms_not_to_overflow(by_channel, strongest):
    sizes = {"B": 1, "L": 500, "H": 2, "P": 2, "N": 2}
    log_decay = workload.make(sizes, torch.Generator().manual_seed(0), by_channel=by_channel)["log_decay"]
    assert -strongest <= log_decay.min() < -0.9 * strongest
    assert log_decay.max() <= 0
