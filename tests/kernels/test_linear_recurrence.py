from __future__ import annotations

import pytest
import torch
from archarena.kernels import paths_taken
from archarena.kernels.linear_recurrence import cost, linear_recurrence, operation
from archarena.kernels.linear_recurrence.reference import reference
from archarena.kernels.paths import path
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.utils.flop_counter import FlopCounterMode

LENGTHS = (1, 7, 33, 150)


def operands(batch=2, length=65, channels=5, *, seed=0, dtype=torch.float32):
    """Decays of magnitude up to one, inputs, and an initial state."""
    generator = torch.Generator().manual_seed(seed)

    def normal(*shape):
        wide = torch.complex128 if dtype.is_complex else torch.float64
        return torch.randn(*shape, generator=generator, dtype=wide)

    a = normal(batch, length, channels)
    a = a / a.abs().clamp(min=1)
    return [x.to(dtype) for x in (a, normal(batch, length, channels), normal(batch, channels))]


@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize("dtype", [torch.float32, torch.complex64])
@pytest.mark.parametrize("length", LENGTHS)
def test_agrees_with_the_loop_in_double_precision(each_path, assert_agrees, length, dtype, reverse):
    def fast(*x):
        return linear_recurrence(*x, reverse=reverse)

    def slow(*x):
        return reference(*x, reverse=reverse)

    given = operands(length=length, dtype=dtype)
    assert_agrees(fast, slow, given)
    assert_agrees(fast, slow, given[:2])
    assert path("linear_recurrence", given[0]) == each_path
    assert each_path in paths_taken()["linear_recurrence"]


@settings(max_examples=10)
@given(shape=st.tuples(*(st.integers(1, n) for n in (3, 200, 40))), seed=st.integers(0, 1000))
def test_any_shape(shape, seed):
    a, b, initial = operands(*shape, seed=seed)
    found = linear_recurrence(a, b, initial)
    torch.testing.assert_close(found.double(), reference(a.double(), b.double(), initial.double()), rtol=0, atol=1e-4)


def test_a_running_sum_and_a_running_product():
    ones = torch.ones(1, 100, 1)
    assert torch.equal(linear_recurrence(ones, ones).flatten(), torch.arange(1.0, 101))
    assert torch.equal(linear_recurrence(0 * ones, 3 * ones, torch.ones(1, 1)), 3 * ones)
    halves = linear_recurrence(ones / 2, 0 * ones, torch.ones(1, 1)).flatten()
    assert torch.equal(halves, 0.5 ** torch.arange(1.0, 101))


def test_double_precision_is_computed_in_it():
    for dtype in (torch.float64, torch.complex128):
        given = [x.requires_grad_() for x in operands(1, 40, 2, dtype=dtype)]
        assert torch.autograd.gradcheck(linear_recurrence, given, fast_mode=True)


def test_dtypes_promote_and_half_precision_is_computed_in_float32():
    a, b, _ = operands()
    assert linear_recurrence(a, b.to(torch.complex64)).dtype == torch.complex64
    half = linear_recurrence(a.bfloat16(), b.bfloat16())
    assert torch.equal(half, linear_recurrence(a.bfloat16().float(), b.bfloat16().float()).bfloat16())


@pytest.mark.parametrize("cut", [1, 31, 100])
def test_two_halves_joined_by_the_state_are_the_whole(each_path, cut):
    a, b, initial = operands(length=128)
    first = linear_recurrence(a[:, :cut], b[:, :cut], initial)
    second = linear_recurrence(a[:, cut:], b[:, cut:], first[:, -1])
    torch.testing.assert_close(torch.cat((first, second), 1), linear_recurrence(a, b, initial))


def test_neither_direction_looks_ahead(each_path):
    a, b, _ = operands(length=100)
    altered = b.clone()
    altered[:, 60] = torch.nan
    assert linear_recurrence(a, altered).isnan().any(2)[0].nonzero().min() == 60
    assert linear_recurrence(a, altered, reverse=True).isnan().any(2)[0].nonzero().max() == 60


def test_any_number_of_threads_gives_the_same_bits(same_with_any_number_of_threads):
    same_with_any_number_of_threads(linear_recurrence, operands(length=200, channels=40))


def test_views_with_strides_and_conjugates_are_read_right(each_path):
    a, b, initial = operands(length=40, dtype=torch.complex64)
    turned = [x.mT.contiguous().mT.conj().conj_physical() for x in (a, b)]
    torch.testing.assert_close(linear_recurrence(*turned, initial), linear_recurrence(a, b, initial))
    torch.testing.assert_close(linear_recurrence(a.conj(), b), linear_recurrence(a.conj_physical(), b))


def test_registration(each_path):
    a, b, initial = (x.requires_grad_() for x in operands(length=9))
    torch.library.opcheck(operation.recurrence, (a, b, initial, True))
    torch.library.opcheck(operation.recurrence, (a, b, None, False))


def test_vmap():
    a, b, _ = operands(length=9)
    mapped = torch.vmap(lambda a: linear_recurrence(a, b))(torch.stack((a, a / 2)))
    assert torch.equal(mapped, torch.stack((linear_recurrence(a, b), linear_recurrence(a / 2, b))))


@pytest.mark.parametrize("dtype", [torch.float32, torch.complex64])
def test_the_flop_counter_sees_both_passes(dtype):
    a, b, _ = (x.requires_grad_() for x in operands(2, 9, 3, dtype=dtype))
    with FlopCounterMode(display=False) as counter:
        linear_recurrence(a, b).abs().sum().backward()
    both = [cost(2, 9, 3, complex_valued=dtype.is_complex, backward=backward).flops for backward in (False, True)]
    assert counter.get_total_flops() == sum(both)


def test_cost_counts_each_byte_once():
    a, *_ = operands(2, 9, 3)
    assert cost(2, 9, 3).bytes == 3 * a.nbytes
    assert cost(2, 9, 3, complex_valued=True, backward=True).bytes == 10 * a.nbytes


def test_operands_that_do_not_fit_are_named():
    a, b, initial = operands()
    with pytest.raises(ValueError, match=r"^a has shape"):
        linear_recurrence(a[:, 1:], b)
    with pytest.raises(ValueError, match=r"^initial_state has shape"):
        linear_recurrence(a, b, initial[:, 1:])
    with pytest.raises(ValueError, match="the input is empty"):
        linear_recurrence(a[:, :0], b[:, :0])
