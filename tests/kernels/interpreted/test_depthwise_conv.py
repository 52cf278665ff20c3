import pytest
import torch
from archarena.kernels.depthwise_conv import depthwise_conv, torch_form, triton_backward, triton_forward
from archarena.kernels.depthwise_conv.operation import Operands
from archarena.kernels.depthwise_conv.reference import reference
from archarena.kernels.paths import path


def operands(length, taps, *, dilation, left, silu, residual, biased, dtype=torch.float32):
    generator = torch.Generator().manual_seed(length)
    x, weight, bias = (torch.randn(shape, generator=generator) for shape in ((2, length, 20), (20, taps), (20,)))
    return Operands(x.to(dtype), weight, bias if biased else None, dilation, left, silu, residual)


CASES = [
    {"taps": 4, "dilation": 1, "left": 3, "silu": True, "residual": False, "biased": True},
    {"taps": 4, "dilation": 1, "left": 1, "silu": True, "residual": True, "biased": True},
    {"taps": 4, "dilation": 2, "left": 3, "silu": True, "residual": False, "biased": True},
    {"taps": 5, "dilation": 3, "left": 12, "silu": True, "residual": True, "biased": True},
    {"taps": 3, "dilation": 8, "left": 16, "silu": False, "residual": False, "biased": False},
]


@pytest.mark.parametrize(
    ("length", "case"), [*((n, CASES[0]) for n in (1, 7, 128)), *((129, case) for case in CASES)], ids=str
)
def test_agrees_with_plain_torch(length, case):
    given = operands(length, **case)
    torch.testing.assert_close(triton_forward.forward(given), torch_form.forward(given), rtol=1e-5, atol=1e-5)
    dy = torch.randn(given.x.shape, generator=torch.Generator().manual_seed(0))
    for found, expected in zip(triton_backward.backward(given, dy), torch_form.backward(given, dy), strict=True):
        assert (found is None) == (expected is None)
        if found is not None:
            torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-4)


def test_half_precision_mixes_with_float32_weights():
    given = operands(9, **CASES[0], dtype=torch.bfloat16)
    exact = given._replace(x=given.x.float())
    y, dy = triton_forward.forward(given), torch.randn(given.x.shape).bfloat16()
    assert y.dtype == torch.bfloat16
    # The interpreter truncates and a GPU rounds, hence two units in the last place.
    torch.testing.assert_close(y.float(), triton_forward.forward(exact), rtol=2**-6, atol=1e-3)
    found, expected = triton_backward.backward(given, dy), triton_backward.backward(exact, dy.float())
    assert [x.dtype for x in found] == [torch.bfloat16, torch.float32, torch.float32]
    torch.testing.assert_close(found[0].float(), expected[0], rtol=2**-6, atol=1e-3)
    torch.testing.assert_close(found[1], expected[1])


def test_nothing_is_written_outside():
    given = operands(7, **CASES[0])
    guarded = torch.full((4, 7, 20), torch.nan)
    guarded[1:3] = given.x
    found = triton_forward.forward(given._replace(x=guarded[1:3]))
    torch.testing.assert_close(found, torch_form.forward(given), rtol=1e-5, atol=1e-5)
    assert guarded[[0, 3]].isnan().all()


def test_the_operation_takes_this_path(assert_agrees):
    x, weight, bias, *_ = operands(7, **CASES[0])
    assert path("depthwise_conv", x) == "triton"
    assert_agrees(depthwise_conv, reference, (x, weight, bias))
    y = depthwise_conv(x.bfloat16(), weight, bias)
    torch.testing.assert_close(y.float(), depthwise_conv(x, weight, bias), rtol=2**-6, atol=2**-5)
