import pytest
import torch
from archarena.kernels.mu_layer import mu_product, torch_form, triton_backward, triton_forward
from archarena.kernels.mu_layer.operation import Operands
from archarena.kernels.mu_layer.reference import reference
from archarena.kernels.paths import path


def operands(length, channels, groups, *, dtype=torch.float32):
    generator = torch.Generator().manual_seed(length)
    rows, small = (2, length, channels), (channels,)
    tensors = [torch.randn(shape, generator=generator) for shape in (rows, rows, small, small, small, small, ())]
    tensors[0], tensors[1] = tensors[0].to(dtype), tensors[1].to(dtype)
    source = None
    if groups:
        # Each group reads an earlier position, or its own at the start: at most two read the same one.
        back = torch.arange(length)[:, None] - torch.arange(1, groups + 1)
        source = torch.where(back < 0, torch.arange(length)[:, None], back).int()[None]
    return Operands(*tensors, source, 1e-6)


@pytest.mark.parametrize(
    ("length", "channels", "groups"), [(1, 20, 3), (7, 20, 3), (128, 64, 0), (129, 64, 2), (129, 20, 3)]
)
def test_agrees_with_plain_torch(length, channels, groups):
    given = operands(length, channels, groups)
    y, stats = triton_forward.forward(given)
    expected_y, expected_stats = torch_form.forward(given)
    torch.testing.assert_close(y, expected_y, rtol=1e-4, atol=1e-4)
    torch.testing.assert_close(stats, expected_stats, rtol=1e-4, atol=1e-4)
    dy = torch.randn(y.shape, generator=torch.Generator().manual_seed(0))
    for found, expected in zip(
        triton_backward.backward(given, stats, dy), torch_form.backward(given, stats, dy), strict=True
    ):
        torch.testing.assert_close(found, expected, rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize("groups", [0, 2])
def test_half_precision_mixes_with_float32_weights(groups):
    given = operands(9, 32, groups, dtype=torch.bfloat16)
    exact = given._replace(a=given.a.float(), c=given.c.float())
    y, stats = triton_forward.forward(given)
    assert (y.dtype, stats.dtype) == (torch.bfloat16, torch.float32)
    # The interpreter truncates and a GPU rounds, hence two units in the last place.
    torch.testing.assert_close(y.float(), triton_forward.forward(exact)[0], rtol=2**-6, atol=1e-3)
    dy = torch.randn(y.shape).bfloat16()
    found, expected = triton_backward.backward(given, stats, dy), triton_backward.backward(exact, stats, dy.float())
    assert found[0].dtype == found[1].dtype == torch.bfloat16
    torch.testing.assert_close(found[0].float(), expected[0], rtol=2**-6, atol=2e-2)
    torch.testing.assert_close(found[4], expected[4])


def test_the_operation_takes_this_path(assert_agrees):
    *given, source, _ = operands(7, 20, 3)
    assert path("mu_layer", given[0]) == "triton"
    assert_agrees(lambda *x: mu_product(*x, source=source), lambda *x: reference(*x, source=source), given)
    assert mu_product(*(x.bfloat16() for x in given), source=source).dtype == torch.bfloat16
