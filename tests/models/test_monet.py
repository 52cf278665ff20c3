import pytest
import torch
from archarena.kernels.mu_layer import shifted
from archarena.models.blocks.mu_layer import MuLayer, PolyBlock
from archarena.models.monet import MONet, shift_offsets, sources
from hypothesis import given
from hypothesis import strategies as st


def shift_by_hand(x, offsets, lengths):
    y, bounds = x.clone(), [g * x.shape[2] // len(offsets) for g in range(len(offsets) + 1)]
    for row, length in enumerate(lengths):
        for t in range(length):
            for low, high, offset in zip(bounds, bounds[1:], offsets, strict=False):
                if 0 <= t - offset < length:
                    y[row, t, low:high] = x[row, t - offset, low:high]
    return y


@given(offsets=st.lists(st.integers(-9, 9), min_size=1, max_size=4), lengths=st.lists(st.integers(1, 6), min_size=1))
def test_groups_of_channels_move_and_ends_keep_their_own_value(offsets, lengths):
    x = torch.arange(len(lengths) * 6 * 4 * len(offsets)).view(len(lengths), 6, -1)
    valid = torch.arange(6) < torch.tensor(lengths)[:, None]
    moved = shifted(x, sources(6, tuple(offsets), valid, x.device))
    expected = shift_by_hand(x, offsets, lengths)
    assert torch.equal(moved[valid], expected[valid])


def distances(offsets):
    """Return all sums of one offset, or none, per block."""
    sums = {0}
    for block in offsets:
        sums = {s + o for s in sums for o in (0, *block)}
    return sums


@given(length=st.integers(1, 400), depth=st.integers(2, 6), most=st.integers(2, 40), causal=st.booleans())
def test_shifts_reach_across_the_length_and_never_leak(length, depth, most, causal):
    offsets = shift_offsets(length, depth, most, causal)
    assert len(offsets) == depth
    assert all(len(block) <= most for block in offsets)
    assert max(distances(offsets)) >= length - 1
    if causal:
        assert all(offset > 0 for block in offsets for offset in block)
    else:
        assert all(sorted(block) == sorted(-offset for offset in block) for block in offsets)


@pytest.mark.parametrize(
    ("length", "depth", "most", "causal"), [(64, 2, 8, True), (50, 3, 4, False), (512, 6, 2, True)]
)
def test_with_groups_enough_every_distance_is_covered(length, depth, most, causal):
    lowest = 0 if causal else 1 - length
    assert set(range(lowest, length)) <= distances(shift_offsets(length, depth, most, causal))


def test_a_mu_layer_follows_its_formula():
    layer = MuLayer(5, 16, 3).double()
    x = torch.randn(2, 7, 5, dtype=torch.float64)

    def norm(v):
        return (v - v.mean(-1, keepdim=True)) / (v.var(-1, unbiased=False, keepdim=True) + 1e-6).sqrt()

    a = norm(x @ layer.A.weight.T + 1)
    c = norm((x @ layer.D.weight.T + 1) @ layer.B.weight.T + 1)
    torch.testing.assert_close(layer(x), (a + a * c) @ layer.C.weight.T)


def test_both_parts_of_a_block_share_one_norm():
    block, x = PolyBlock(16, 48), torch.randn(2, 3, 16)
    with torch.no_grad():
        block.norm.weight.uniform_(0.5, 2)
    middle = x + block.spatial(block.norm(x))
    torch.testing.assert_close(block(x, None), middle + block.channel(block.norm(middle)))


def test_products_join_different_positions():
    for causal in (True, False):
        assert all(len(offsets) >= 2 for offsets in MONet(16, 3, causal, 9).offsets)


def test_sources_are_made_on_the_device_without_a_copy_to_it(monkeypatch):
    monkeypatch.setattr(torch, "tensor", None)
    assert sources(4, (1, 2), None, torch.device("cpu")).tolist() == [[[0, 0], [0, 1], [1, 0], [2, 1]]]
