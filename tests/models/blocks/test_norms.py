import pytest
import torch
from archarena.models.blocks.norms import make_norm

KINDS = ["layer", "scale", "batch"]


def test_scale_norm_has_one_scale_for_all_channels():
    norm, x = make_norm("scale", 6), torch.randn(2, 3, 6)
    with torch.no_grad():
        norm.scale.fill_(2.0)
    torch.testing.assert_close(norm(x).square().mean(-1), torch.full((2, 3), 4.0), rtol=1e-3, atol=0)
    assert sum(p.numel() for p in norm.parameters()) == 1


def test_batch_norm_takes_its_moments_over_valid_positions_alone():
    norm, x = make_norm("batch", 3), torch.randn(2, 4, 3)
    x[0, 2:] = 1e6
    y = norm(x, torch.tensor([[True, True, False, False], [True, True, True, True]]))
    held = torch.cat([y[0, :2], y[1]])
    torch.testing.assert_close(held.mean(0), torch.zeros(3))
    torch.testing.assert_close(held.var(0, unbiased=False), torch.ones(3), rtol=1e-3, atol=1e-3)
    assert norm.running_mean.abs().max() < 10


@pytest.mark.parametrize("kind", KINDS)
def test_outside_training_a_position_is_normed_by_itself(kind):
    norm, x = make_norm(kind, 5).eval(), torch.randn(2, 4, 5)
    torch.testing.assert_close(norm(x)[0, 1:2], norm(x[0, 1:2]))
