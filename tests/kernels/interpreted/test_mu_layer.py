import pytest
import torch
from archarena.kernels.mu_layer import on_gpu, plain
from archarena.kernels.mu_layer.operands import Operands


def operands(length, channels, groups, *, dtype=torch.float32):
    generator = torch.Generator().manual_seed(length)
    rows, small = (2, length, channels), (channels,)
    tensors = [torch.randn(shape, generator=generator) for shape in (rows, rows, small, small, small, small, ())]
    tensors[0], tensors[1] = tensors[0].to(dtype), tensors[1].to(dtype)
    source = None
    if groups:
        # Each group reads from a position before it, or from its own at the start: at most two read one.
        back = torch.arange(length)[:, None] - torch.arange(1, groups + 1)
        source = torch.where(back < 0, torch.arange(length)[:, None], back).int()[None]
    return Operands(*tensors, source, 1e-6)


@pytest.mark.parametrize(
    ("length", "channels", "groups"), [(1, 20, 3), (7, 20, 3), (128, 64, 0), (129, 64, 2), (129, 20, 3)]
)
def test_agrees_with_plain_torch(length, channels, groups):
    given = operands(length, channels, groups)
    y, stats = on_gpu.forward(given)
    expected_y, expected_stats = plain.forward(given)
    torch.testing.assert_close(y, expected_y, rtol=1e-4, atol=1e-4)
    torch.testing.assert_close(stats, expected_stats, rtol=1e-4, atol=1e-4)
    dy = torch.randn(y.shape, generator=torch.Generator().manual_seed(0))
    for found, expected in zip(on_gpu.backward(given, stats, dy), plain.backward(given, stats, dy), strict=True):
        torch.testing.assert_close(found, expected, rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize("groups", [0, 2])
def test_half_precision_is_read_and_written_beside_float32_weights(groups):
    given = operands(9, 32, groups, dtype=torch.bfloat16)
    exact = given._replace(a=given.a.float(), c=given.c.float())
    y, stats = on_gpu.forward(given)
    assert (y.dtype, stats.dtype) == (torch.bfloat16, torch.float32)
    # The interpreter cuts off where a GPU rounds: two units in the last place.
    torch.testing.assert_close(y.float(), on_gpu.forward(exact)[0], rtol=2**-6, atol=1e-3)
    dy = torch.randn(y.shape).bfloat16()
    found, expected = on_gpu.backward(given, stats, dy), on_gpu.backward(exact, stats, dy.float())
    assert found.a.dtype == found.c.dtype == torch.bfloat16
    torch.testing.assert_close(found.a.float(), expected.a, rtol=2**-6, atol=2e-2)
    torch.testing.assert_close(found.weight_c, expected.weight_c)
