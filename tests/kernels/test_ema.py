from __future__ import annotations

import pytest
import torch
from archarena.kernels import paths_taken
from archarena.kernels.ema import cost, ema, ema_fft, operation
from archarena.kernels.ema.reference import reference
from archarena.kernels.paths import path
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.utils.flop_counter import FlopCounterMode

LENGTHS = (1, 7, 64, 65, 150)


def operands(batch=2, length=65, channels=5, averages=3, *, seed=0):
    """All operands in order, with decays between minus one and one."""
    generator = torch.Generator().manual_seed(seed)

    def normal(*shape):
        return torch.randn(*shape, generator=generator)

    pair = (channels, averages)
    return [normal(batch, length, channels), normal(*pair).tanh(), normal(*pair)]


@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize("length", LENGTHS)
def test_agrees_with_the_loop_in_float64(each_path, assert_agrees, length, reverse):
    def fast(*x):
        return ema(*x, reverse=reverse)

    def slow(*x):
        return reference(*x, reverse=reverse)

    given = operands(length=length)
    assert_agrees(fast, slow, given)
    assert path("ema", given[0]) == each_path
    assert each_path in paths_taken()["ema"]


@settings(max_examples=10)
@given(shape=st.tuples(*(st.integers(1, n) for n in (3, 140, 40, 9))), seed=st.integers(0, 99))
def test_any_shape(assert_agrees, shape, seed):
    assert_agrees(ema, reference, operands(*shape, seed=seed))


@pytest.mark.parametrize("reverse", [False, True])
def test_the_fourier_form_is_the_recurrence(assert_agrees, reverse):
    def through_fourier(*x):
        return ema_fft(*x, reverse=reverse)

    def by_recurrence(*x):
        return ema(*x, reverse=reverse)

    assert_agrees(through_fourier, by_recurrence, operands(length=300))


def test_the_fourier_form_can_be_cut_off():
    _, decay, weight = operands(length=20)
    impulse = torch.zeros(1, 20, 5)
    impulse[:, 0] = 1
    cut = ema_fft(impulse, decay, weight, reach=6)[0]
    torch.testing.assert_close(cut[:6], ema(impulse, decay, weight)[0, :6])
    assert cut[6:].abs().max() < 1e-6


def test_an_impulse_decays():
    impulse = torch.zeros(1, 100, 1)
    impulse[:, 10] = 1
    y = ema(impulse, torch.tensor([[0.5]]), torch.tensor([[2.0]])).flatten()
    assert not y[:10].any()
    torch.testing.assert_close(y[10:], 2 * 0.5 ** torch.arange(90.0))


def test_never_looks_ahead(each_path):
    x, decay, weight = operands(length=100)
    altered = x.clone()
    altered[:, 60] += 1
    assert torch.equal(ema(x, decay, weight)[:, :60], ema(altered, decay, weight)[:, :60])


def test_any_number_of_threads_gives_the_same_bits(same_with_any_number_of_threads):
    same_with_any_number_of_threads(ema, operands(length=200, channels=40))


def test_float64_is_computed_in_float64():
    given = [x.double().requires_grad_() for x in operands(1, 70, 1, 2)]
    assert torch.autograd.gradcheck(ema, given, fast_mode=True)


def test_half_precision_is_computed_in_float32():
    x, *rest = operands()
    y = ema(x.bfloat16(), *rest)
    assert torch.equal(y, ema(x.bfloat16().float(), *rest).bfloat16())


def test_registration(each_path):
    given = [x.requires_grad_() for x in operands(length=9)]
    torch.library.opcheck(operation.averages, (*given, True))
    assert [x.requires_grad for x in operation.averages(*given, True)] == [True, False]


def test_vmap():
    x, decay, weight = operands(length=9)
    mapped = torch.vmap(lambda decay: ema(x, decay, weight))(torch.stack((decay, decay / 2)))
    assert torch.equal(mapped, torch.stack((ema(x, decay, weight), ema(x, decay / 2, weight))))


def test_the_flop_counter_sees_both_passes():
    given = [x.requires_grad_() for x in operands(2, 9, 3, 4)]
    with FlopCounterMode(display=False) as counter:
        ema(*given).sum().backward()
    assert counter.get_total_flops() == sum(cost(2, 9, 3, 4, backward=backward).flops for backward in (False, True))


def test_cost_counts_each_byte_once():
    given = operands(2, 9, 3, 4)
    y = given[0]
    assert cost(2, 9, 3, 4).bytes == sum(x.nbytes for x in (*given, y))


@pytest.mark.parametrize("index", [1, 2])
def test_an_operand_of_another_shape_is_named(index):
    given = operands()
    given[index] = given[index][:1]
    with pytest.raises(ValueError, match=rf"^{('x', 'decay', 'weight')[index]} has shape"):
        ema(*given)
