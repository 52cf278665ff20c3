from __future__ import annotations

import itertools

import pytest
import torch
from archarena.kernels import paths_taken
from archarena.kernels.depthwise_conv import cost, depthwise_conv, operation, path
from archarena.kernels.depthwise_conv.reference import reference
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn import functional as F
from torch.utils.flop_counter import FlopCounterMode


def operands(batch=2, length=65, channels=20, taps=4, *, seed=0, dtype=torch.float32):
    generator = torch.Generator().manual_seed(seed)
    shapes = ((batch, length, channels), (channels, taps), (channels,))
    return [torch.randn(*shape, generator=generator, dtype=torch.float64).to(dtype) for shape in shapes]


def with_gradients(convolve, given, **options):
    """Return output and all gradients of a fixed weighted sum of it."""
    given = [None if x is None else x.detach().requires_grad_() for x in given]
    y = convolve(*given, **options)
    weights = torch.randn(y.shape, generator=torch.Generator().manual_seed(1), dtype=torch.float64).to(y.dtype)
    return [y.detach(), *torch.autograd.grad((y * weights).sum(), [x for x in given if x is not None])]


def assert_same(found, expected, tolerance=3e-6):
    """Compare against float64, relative to the largest entry of each tensor."""
    for a, b in zip(found, expected, strict=True):
        assert a.shape == b.shape
        torch.testing.assert_close(a.double(), b.double(), rtol=0, atol=tolerance * max(1.0, b.abs().max().item()))


def in_double(given):
    return [None if x is None else x.double() for x in given]


@pytest.fixture(params=["c", "shifted"])
def each_path(request, monkeypatch):
    if request.param == "shifted":
        monkeypatch.setenv("ARCHARENA_NATIVE", "0")
    assert path(torch.zeros(1)) == request.param
    return request.param


def assert_right(given, **options):
    expected = with_gradients(reference, in_double(given), **options)
    assert_same(with_gradients(depthwise_conv, given, **options), expected)


@pytest.mark.parametrize("length", [1, 7, 64, 65, 300])
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
def test_agrees_with_the_loop_in_float64(each_path, length, taps, options):
    assert_right(operands(length=length, taps=taps), **options)
    assert each_path in paths_taken()["depthwise_conv"]


@settings(max_examples=40, deadline=None)
@given(
    shape=st.tuples(*(st.integers(1, n) for n in (3, 40, 40, 9))),
    dilation=st.integers(1, 50),
    causal=st.booleans(),
    activation=st.sampled_from([None, "silu"]),
    residual=st.booleans(),
    biased=st.booleans(),
    seed=st.integers(0, 1000),
)
def test_any_shape(shape, biased, seed, **options):
    x, weight, bias = operands(*shape, seed=seed)
    assert_right([x, weight, bias if biased else None], **options)


@pytest.mark.parametrize(
    ("length", "channels", "taps", "dilation", "causal"),
    [
        pytest.param(600, 5, 17, 1, True, id="one strand in three tasks"),
        pytest.param(1200, 8, 6, 3, False, id="strands of two tasks, inputs and outputs on different ones"),
        pytest.param(700, 8, 40, 30, False, id="several strands a task, shorter than the filter"),
        pytest.param(40, 4, 5, 1000, True, id="a strand a position, and strands beyond the sequence"),
        pytest.param(30, 300, 5, 2, True, id="three tiles of channels, the last one short"),
    ],
)
def test_strands_are_cut_and_joined(length, channels, taps, dilation, causal):
    options = {"dilation": dilation, "causal": causal, "activation": "silu", "residual": True}
    assert_right(operands(1, length, channels, taps), **options)


@pytest.mark.parametrize("taps", [1, 2, 3, 4, 17])
@pytest.mark.parametrize("dilation", [1, 2, 3])
@pytest.mark.filterwarnings("ignore:Using padding='same'")
def test_centred_taps_lie_as_those_of_torch(taps, dilation):
    x, weight, bias = operands(taps=taps)
    expected = F.conv1d(x.mT, weight[:, None], bias, padding="same", dilation=dilation, groups=weight.shape[0]).mT
    assert_same([depthwise_conv(x, weight, bias, dilation=dilation, causal=False)], [expected])


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
    assert path(given[0]) == "shifted"
    assert torch.autograd.gradcheck(lambda *x: depthwise_conv(*x, dilation=2, activation="silu"), given)


def test_half_precision_is_computed_in_float32_and_cast_back():
    given = operands(dtype=torch.bfloat16)
    y = depthwise_conv(*given, activation="silu")
    assert y.dtype == torch.bfloat16
    assert torch.equal(y, depthwise_conv(*(x.float() for x in given), activation="silu").bfloat16())


def test_views_with_strides_are_right(each_path):
    x, weight, bias = operands(channels=24)
    packed = torch.cat((x, x), -1)
    for view in (packed[..., 24:], x.mT.contiguous().mT, x[:, ::2]):
        assert_right([view, weight.mT.contiguous().mT, bias], activation="silu")


def test_same_bits_twice_and_with_any_number_of_threads(each_path):
    given, before = operands(batch=3, length=600, channels=40), torch.get_num_threads()
    runs = []
    try:
        for threads in (1, 1, 2, 3):
            torch.set_num_threads(threads)
            runs.append(with_gradients(depthwise_conv, given, activation="silu"))
    finally:
        torch.set_num_threads(before)
    for first, other in itertools.pairwise(runs):
        assert all(map(torch.equal, first, other))


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
        ({"weight": torch.zeros(19, 4)}, r"weight has shape \(19, 4\), where the other operands ask for \(20, 4\)"),
        ({"bias": torch.zeros(21)}, "bias has shape"),
        ({"x": torch.zeros(2, 0, 20)}, "nothing to run over"),
        ({"dilation": 0}, "must be at least 1"),
        ({"activation": "relu"}, "unknown activation 'relu'"),
    ],
)
def test_what_does_not_go_together_is_refused(each_path, changed, message):
    given = dict(zip(("x", "weight", "bias"), operands(), strict=True))
    with pytest.raises(ValueError, match=message):
        depthwise_conv(**{**given, **changed})
