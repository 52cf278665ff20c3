from __future__ import annotations

import pytest
import torch
from archarena.kernels import paths_taken
from archarena.kernels.depthwise_conv import c, cost, depthwise_conv, operation
from archarena.kernels.depthwise_conv.reference import reference
from archarena.kernels.paths import path
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn import functional as F
from torch.utils.flop_counter import FlopCounterMode


def operands(batch=2, length=65, channels=20, taps=4, *, seed=0, dtype=torch.float32):
    generator = torch.Generator().manual_seed(seed)
    shapes = ((batch, length, channels), (channels, taps), (channels,))
    return [torch.randn(*shape, generator=generator, dtype=torch.float64).to(dtype) for shape in shapes]


@pytest.fixture(scope="session")
def assert_right(assert_agrees):
    """Compare the convolution with its reference."""

    def check(given, **options):
        fast, slow = (lambda *x, run=run: run(*x, **options) for run in (depthwise_conv, reference))
        assert_agrees(fast, slow, given, tolerance=3e-6)

    return check


@pytest.fixture
def short_tasks(monkeypatch):
    """Split short sequences into several tasks."""
    monkeypatch.setattr(c, "BLOCK", 32)


@pytest.mark.parametrize("length", [1, 7, 32, 33, 70])
@pytest.mark.parametrize(
    ("taps", "options"),
    [
        (2, {}),
        (3, {"causal": False, "activation": "silu", "residual": True}),
        (4, {"activation": "silu"}),
        (17, {"dilation": 8, "activation": "silu", "residual": True}),
        (3, {"dilation": 512, "activation": "silu"}),
        (9, {"dilation": 3, "causal": False}),
    ],
)
def test_agrees_with_the_loop_in_float64(assert_right, short_tasks, each_path, length, taps, options):
    given = operands(length=length, taps=taps)
    assert_right(given, **options)
    assert path("depthwise_conv", given[0]) == each_path
    assert each_path in paths_taken()["depthwise_conv"]


@settings(max_examples=40)
@given(
    shape=st.tuples(*(st.integers(1, n) for n in (3, 40, 40, 9))),
    dilation=st.integers(1, 50),
    causal=st.booleans(),
    activation=st.sampled_from([None, "silu"]),
    residual=st.booleans(),
    biased=st.booleans(),
    seed=st.integers(0, 1000),
)
def test_any_shape(assert_right, shape, biased, seed, **options):
    x, weight, bias = operands(*shape, seed=seed)
    assert_right([x, weight, bias if biased else None], **options)


@pytest.mark.parametrize(
    ("length", "channels", "taps", "dilation", "causal"),
    [
        pytest.param(75, 5, 17, 1, True, id="one strand in three tasks"),
        pytest.param(150, 8, 6, 3, False, id="strands of two tasks, inputs and outputs on different ones"),
        pytest.param(88, 8, 17, 11, False, id="several strands per task, shorter than the filter"),
        pytest.param(40, 4, 5, 1000, True, id="one strand per position, and strands beyond the sequence"),
        pytest.param(30, 300, 5, 2, True, id="three tiles of channels, the last one short"),
    ],
)
def test_strands_are_cut_and_joined(assert_right, short_tasks, length, channels, taps, dilation, causal):
    options = {"dilation": dilation, "causal": causal, "activation": "silu", "residual": True}
    assert_right(operands(1, length, channels, taps), **options)


def test_tasks_of_the_usual_size(assert_right):
    assert c.BLOCK == 256
    assert_right(operands(1, 300, 3, 5), dilation=1, activation="silu")


@pytest.mark.parametrize("taps", [1, 2, 3, 4, 17])
@pytest.mark.parametrize("dilation", [1, 2, 3])
@pytest.mark.filterwarnings("ignore:Using padding='same'")
def test_centered_taps_are_those_of_torch(taps, dilation):
    x, weight, bias = operands(taps=taps)
    expected = F.conv1d(x.mT, weight[:, None], bias, padding="same", dilation=dilation, groups=weight.shape[0]).mT
    found = depthwise_conv(x, weight, bias, dilation=dilation, causal=False)
    torch.testing.assert_close(found, expected, rtol=0, atol=3e-6 * max(1.0, expected.abs().max().item()))


@pytest.mark.parametrize(("taps", "dilation"), [(4, 1), (17, 8), (3, 100)])
def test_causal_taps_see_their_own_position_and_nothing_after(each_path, taps, dilation):
    x, weight, bias = operands(taps=taps)
    altered = x.clone()
    altered[:, 30:] += 1
    y, other = (depthwise_conv(rows, weight, bias, dilation=dilation) for rows in (x, altered))
    assert torch.equal(y[:, :30], other[:, :30])
    assert (y[:, 30] != other[:, 30]).all()


def test_float64_is_computed_in_float64():
    given = [x.requires_grad_() for x in operands(1, 6, 3, 4, dtype=torch.float64)]
    assert path("depthwise_conv", given[0]) == "torch"
    assert torch.autograd.gradcheck(lambda *x: depthwise_conv(*x, dilation=2, activation="silu"), given)


def test_half_precision_is_computed_in_float32_and_cast_back():
    given = operands(dtype=torch.bfloat16)
    y = depthwise_conv(*given, activation="silu")
    assert y.dtype == torch.bfloat16
    assert torch.equal(y, depthwise_conv(*(x.float() for x in given), activation="silu").bfloat16())


def test_views_with_strides_are_right(assert_right, each_path):
    x, weight, bias = operands(channels=24)
    packed = torch.cat((x, x), -1)
    for view in (packed[..., 24:], x.mT.contiguous().mT, x[:, ::2]):
        assert_right([view, weight.mT.contiguous().mT, bias], activation="silu")


def test_any_number_of_threads_gives_the_same_bits(same_with_any_number_of_threads, each_path):
    given = operands(batch=3, length=600, channels=40)
    same_with_any_number_of_threads(lambda *x: depthwise_conv(*x, activation="silu"), given)


def test_registration(each_path):
    x, weight, bias = (x.requires_grad_() for x in operands(length=9, channels=6))
    torch.library.opcheck(operation.conv, (x, weight, bias, 2, 6, True, True))
    torch.library.opcheck(operation.conv, (x.mT.contiguous().mT, weight, None, 1, 1, False, False))


def test_composes_with_torch_compile():
    x, weight, bias = operands(length=9)

    def twice(x):
        return depthwise_conv(depthwise_conv(x, weight, bias) + x, weight, bias, activation="silu")

    assert torch.equal(torch.compile(twice, backend="aot_eager", fullgraph=True)(x), twice(x))


def test_vmap_over_the_inputs_and_over_the_weights():
    x, weight, bias = operands(length=9)
    inputs, weights = torch.stack((x, 2 * x)), torch.stack((weight, weight / 2))
    mapped = torch.vmap(lambda x, weight: depthwise_conv(x, weight, bias))(inputs, weights)
    for i in range(2):
        assert torch.equal(mapped[i], depthwise_conv(inputs[i], weights[i], bias))


@pytest.mark.parametrize("activation", [None, "silu"])
def test_the_flop_counter_sees_both_passes_on_every_path(each_path, activation):
    shape, silu = (2, 65, 20, 4), activation is not None
    given = [x.requires_grad_() for x in operands(*shape)]
    with FlopCounterMode(display=False) as counter:
        y = depthwise_conv(*given, activation=activation)
        forward = counter.get_total_flops()
        y.sum().backward()
    backward = counter.get_total_flops() - forward
    assert forward == cost(*shape, silu=silu).flops
    assert backward == cost(*shape, silu=silu, backward=True).flops
    assert 2 <= backward / forward < 4


def test_cost_counts_each_byte_once():
    x, weight, bias = operands(2, 3, 5, 4)
    assert cost(2, 3, 5, 4).bytes == 4 * (2 * x.numel() + weight.numel() + bias.numel())


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"weight": torch.zeros(19, 4)}, r"weight has shape \(19, 4\); the other operands require \(20, 4\)"),
        ({"bias": torch.zeros(21)}, "bias has shape"),
        ({"x": torch.zeros(2, 0, 20)}, "the input is empty"),
        ({"dilation": 0}, "must be at least 1"),
        ({"activation": "relu"}, "unknown activation 'relu'"),
    ],
)
def test_operands_that_do_not_match_are_refused(each_path, changed, message):
    given = dict(zip(("x", "weight", "bias"), operands(), strict=True))
    with pytest.raises(ValueError, match=message):
        depthwise_conv(**{**given, **changed})
