from __future__ import annotations

import pytest
import torch
from archarena.kernels.mu_layer import cost, mu_product, operation, shifted
from archarena.kernels.mu_layer.reference import reference
from archarena.kernels.paths import path
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn import functional as F
from torch.utils.flop_counter import FlopCounterMode


def operands(batch=2, length=9, channels=20, *, seed=0, dtype=torch.float32):
    generator = torch.Generator().manual_seed(seed)
    rows, small = (batch, length, channels), (channels,)
    shapes = (rows, rows, small, small, small, small, ())
    return [torch.randn(shape, generator=generator, dtype=torch.float64).to(dtype) for shape in shapes]


def sources(rows, length, groups, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return torch.randint(length, (rows, length, groups), generator=generator, dtype=torch.int32)


@pytest.fixture(scope="session")
def assert_right(assert_agrees):
    """Compare the product with its reference, reading from a source."""

    def check(given, source=None):
        assert_agrees(
            lambda *x: mu_product(*x, source=source), lambda *x: reference(*x, source=source), given, tolerance=2e-5
        )

    return check


@pytest.mark.parametrize(("length", "channels"), [(1, 2), (7, 16), (65, 20), (130, 7)])
@pytest.mark.parametrize("groups", [None, 1, 2])
def test_agrees_with_the_loop_in_float64(assert_right, each_path, length, channels, groups):
    source = None if groups is None else sources(1, length, groups)
    given = operands(length=length, channels=channels)
    assert_right(given, source)
    assert path("mu_layer", given[0]) == each_path


@settings(max_examples=20)
@given(
    shape=st.tuples(st.integers(1, 3), st.integers(1, 12), st.integers(8, 40)), seed=st.integers(0, 99), data=st.data()
)
def test_any_shape_and_any_source(assert_right, shape, seed, data):
    batch, length, channels = shape
    source = sources(data.draw(st.sampled_from([1, batch])), length, data.draw(st.integers(1, channels)), seed)
    assert_right(operands(*shape, seed=seed), source)


def test_is_two_layer_norms_and_their_product():
    a, c, weight_a, bias_a, weight_c, bias_c, alpha = operands()
    first, second = F.layer_norm(a, (20,), weight_a, bias_a, 1e-6), F.layer_norm(c, (20,), weight_c, bias_c, 1e-6)
    y = mu_product(a, c, weight_a, bias_a, weight_c, bias_c, alpha)
    torch.testing.assert_close(y, first + alpha * first * second)


def test_rows_far_from_zero_keep_their_spread():
    given = operands()
    given[0] += 1000.0
    expected = mu_product(*(x.double() for x in given))
    torch.testing.assert_close(mu_product(*given).double(), expected, rtol=1e-2, atol=1e-2)


def test_reading_through_a_source_is_shifting_first(each_path):
    given, source = operands(), sources(2, 9, 3)
    moved = shifted(given[0], source)
    torch.testing.assert_close(mu_product(*given, source=source), mu_product(moved, *given[1:]))


def test_views_with_strides_are_right(assert_right, each_path):
    a, c, *rest = operands()
    both = torch.cat((a, c), -1)
    assert_right([both[..., :20], both[..., 20:], *rest])
    assert_right([a.mT.contiguous().mT, c, *rest])


def test_half_precision_is_computed_in_float32_and_cast_back():
    given = operands(dtype=torch.bfloat16)
    assert torch.equal(mu_product(*given), mu_product(*(x.float() for x in given)).bfloat16())


def test_any_number_of_threads_gives_the_same_bits(same_with_any_number_of_threads):
    source = sources(3, 200, 4)
    same_with_any_number_of_threads(lambda *x: mu_product(*x, source=source), operands(3, 200, 48))


def test_registration_compile_and_vmap(each_path):
    given = [x.requires_grad_() for x in operands(1, 5, 6)]
    torch.library.opcheck(operation.product, (*given, sources(1, 5, 2), 1e-6))
    compiled = torch.compile(mu_product, backend="aot_eager", fullgraph=True)
    assert torch.equal(compiled(*given), mu_product(*given))
    a = torch.stack((given[0], -given[0])).detach()
    mapped = torch.vmap(lambda a: mu_product(a, *(x.detach() for x in given[1:])))(a)
    assert torch.equal(mapped[1], mu_product(-given[0], *given[1:]))


def test_the_flop_counter_sees_both_passes():
    given = [x.requires_grad_() for x in operands()]
    with FlopCounterMode(display=False) as counter:
        mu_product(*given).sum().backward()
    assert counter.get_total_flops() == cost(2, 9, 20).flops + cost(2, 9, 20, backward=True).flops


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"c": torch.zeros(2, 9, 19)}, "c has shape"),
        ({"alpha": torch.zeros(1)}, "alpha has shape"),
        ({"source": torch.zeros(1, 8, 2, dtype=torch.int32)}, "9 positions"),
        ({"source": torch.zeros(1, 9, 2)}, "must be int32"),
        ({"source": torch.full((1, 9, 2), 9, dtype=torch.int32)}, "outside 0 to 8"),
    ],
)
def test_operands_that_do_not_match_are_refused(changed, message):
    names = ("a", "c", "weight_a", "bias_a", "weight_c", "bias_c", "alpha")
    with pytest.raises(ValueError, match=message):
        mu_product(**{**dict(zip(names, operands(), strict=True)), **changed})
