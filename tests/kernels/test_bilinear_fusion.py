from __future__ import annotations

import pytest
import torch
from archarena.kernels.bilinear_fusion import bilinear_fusion, cost
from archarena.kernels.bilinear_fusion.reference import reference
from torch.utils.flop_counter import FlopCounterMode


def operands(batch, heads, p, q, outputs):
    """Two streams and the weight between them."""
    generator = torch.Generator().manual_seed(0)
    shapes = ((batch, heads * p), (batch, heads * q), (heads, p, q, outputs))
    return [torch.randn(shape, generator=generator) for shape in shapes]


@pytest.mark.parametrize("shape", [(1, 1, 1, 1), (2, 4, 2, 1), (2, 4, 2, 3), (2, 2, 4, 5)])
def test_the_form_is_the_sum_over_heads(assert_agrees, shape):
    assert_agrees(bilinear_fusion, reference, operands(5, *shape))


def test_vmap():
    a, b, weight = operands(4, 2, 3, 1, 1)
    mapped = torch.vmap(lambda a: bilinear_fusion(a, b, weight))(torch.stack((a, 2 * a)))
    torch.testing.assert_close(mapped[1], bilinear_fusion(2 * a, b, weight))


@pytest.mark.parametrize("outputs", [1, 5])
def test_the_flop_counter_sees_the_matrix_product(outputs):
    with FlopCounterMode(display=False) as counter:
        bilinear_fusion(*operands(5, 2, 4, 2, outputs))
    assert counter.get_total_flops() == cost(5, 2, 4, 2, outputs).flops


def test_shapes_that_do_not_match_are_refused():
    with pytest.raises(ValueError, match="do not fit a weight"):
        bilinear_fusion(torch.zeros(4, 6), torch.zeros(4, 6), torch.zeros(2, 3, 2, 1))
