"""A bidirectional filter with a skip connection."""

import pytest
import torch
from archarena.models.blocks.filters import BothWays, SkipFilter
from archarena.models.blocks.tcn import TCN
from archarena.models.mega import DampedEMA
from torch.nn import functional as F

every_filter = pytest.mark.parametrize("make", [lambda: TCN(4, 3, 2, 2), lambda: DampedEMA(4, 3)], ids=["tcn", "ema"])


@every_filter
def test_the_backward_filter_reads_each_row_from_its_last_valid_position(make):
    layer = BothWays(make, causal=False).double()
    x, valid = torch.randn(1, 9, 4, dtype=torch.float64), torch.arange(9)[None] < 7
    row = x[:, :7]
    expected = layer.forwards(row) + layer.backwards(row.flip(1)).flip(1)
    torch.testing.assert_close(layer(x, valid)[:, :7], expected)


@every_filter
def test_a_skip_filter_adds_a_learned_share_of_its_input_before_the_silu(make):
    layer, x = SkipFilter(4, make, causal=True), torch.randn(2, 5, 4)
    torch.testing.assert_close(layer(x), F.silu(layer.forwards(x) + layer.skip * x))
