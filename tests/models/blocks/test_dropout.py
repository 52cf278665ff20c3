"""Dropout with 16 random bits per entry."""

import pytest
import torch
from archarena.models.blocks.dropout import Dropout


@pytest.mark.parametrize("p", [0.1, 0.4, 0.5])
def test_a_share_p_is_dropped_and_the_mean_kept(p):
    torch.manual_seed(0)
    y = Dropout(p)(torch.ones(1000, 1001))
    assert (y == 0).float().mean().item() == pytest.approx(p, abs=0.003)  # six standard deviations
    assert y.mean().item() == pytest.approx(1, abs=0.006)
    assert y.unique().tolist() == pytest.approx([0, 1 / (1 - p)], rel=1e-4)


def test_entries_are_dropped_independently_of_their_neighbours():
    torch.manual_seed(0)
    kept = (Dropout(0.5)(torch.ones(1_000_003)) > 0).double() - 0.5
    for lag in (*range(1, 9), 312, 624, 1248):  # neighbors in a 64-bit word, and the state of torch's generator
        assert (4 * kept[lag:] * kept[:-lag]).mean().abs() < 0.006


def test_gradients_pass_where_entries_do():
    torch.manual_seed(0)
    x = torch.rand(50, 7).add(1).requires_grad_()
    y = Dropout(0.3)(x)
    (gradient,) = torch.autograd.grad(y.sum(), x)
    torch.testing.assert_close(gradient * x, y)


def test_a_seed_gives_the_same_mask():
    x, masks = torch.ones(33, 5), []
    for _ in range(2):
        torch.manual_seed(7)
        masks.append(Dropout(0.4)(x))
    assert torch.equal(*masks)


@pytest.mark.parametrize("p", [0.0, 1.0])
def test_the_ends_are_those_of_torch(p):
    x = torch.randn(9)
    assert torch.equal(Dropout(p)(x), x * (1 - p))


def test_evaluation_changes_nothing():
    x = torch.randn(9)
    assert Dropout(0.4).eval()(x) is x
