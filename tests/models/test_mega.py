"""MEGA: its moving averages, and its published size."""

import pytest
import torch
from archarena.models.mega import DampedEMA, Mega, MegaChunk
from hypothesis import given, settings
from hypothesis import strategies as st


def averages_by_hand(layer, x):
    """Compute the paper's recurrence one row and one position at a time, summing each truncated window anew."""
    p, a = torch.sigmoid(layer.delta), torch.sigmoid(layer.alpha)
    window = layer.truncation or len(x)
    outputs = []
    for t in range(len(x)):
        h = torch.zeros_like(p)
        for x_s in x[max(0, t + 1 - window) : t + 1]:
            h = (1 - p * a) * h + p * layer.beta * x_s[:, None]
        outputs.append((h * layer.gamma).sum(1) / p.shape[1] ** 0.5)
    return torch.stack(outputs)


@settings(max_examples=25)
@given(length=st.integers(1, 20), states=st.integers(1, 5), truncation=st.none() | st.integers(1, 25))
def test_the_filter_follows_the_papers_recurrence_in_both_directions_and_in_steps(length, states, truncation):
    layer = DampedEMA(3, states, truncation).double()
    x = torch.randn(2, length, 3, dtype=torch.float64)
    expected = torch.stack([averages_by_hand(layer, row) for row in x])
    torch.testing.assert_close(layer(x), expected)
    torch.testing.assert_close(layer(x.flip(1), reverse=True), expected.flip(1))
    state, steps = layer.init_state(2), []
    for t in range(length):
        y, state = layer.step(x[:, t], state)
        steps.append(y)
    torch.testing.assert_close(torch.stack(steps, 1), expected)


def test_initial_values_are_the_papers():
    layer = DampedEMA(512, 16)
    signs = torch.tensor([1.0, -1.0]).repeat(8)
    assert (layer.beta - signs).std().item() == pytest.approx(0.02, rel=0.1)
    assert (layer.beta - signs).mean().abs() < 1e-3
    for parameter, spread in ((layer.delta, 0.2), (layer.alpha, 0.2), (layer.gamma, 1.0)):
        assert parameter.mean().abs() < 0.05 * spread
        assert parameter.std().item() == pytest.approx(spread, rel=0.05)
    assert Mega(512, 1, True, 8).blocks[0].unit.mixer.skip.std().item() == pytest.approx(1.0, rel=0.15)


def test_the_enwik8_model_has_the_published_39_million_parameters():
    with torch.device("meta"):
        model = Mega(512, 12, True, 8192, chunk=2048, shared=128, bias="rotary", truncation=8192)
    block = sum(p.numel() for p in model.blocks[0].parameters())
    filter_size, maps, network = 4 * 512 * 16 + 512, 512 * 1024 + 512 * 2176 + 1024 * 512, 2 * 512 * 1024
    biases, small = 1024 + 2176 + 512 + 1024 + 512, 2 * 2 * 128 + 2 * 128
    assert block == filter_size + maps + network + biases + small + 2 * 2 * 512
    tied_embedding = 256 * 512
    assert sum(p.numel() for p in model.parameters()) + tied_embedding == pytest.approx(39e6, rel=0.01)


def test_attention_spans_the_length_or_128_positions():
    assert Mega(16, 1, True, 300).blocks[0].unit.attention.chunk == 300
    assert MegaChunk(16, 1, True, 300).blocks[0].unit.attention.chunk == 128
    assert MegaChunk(16, 1, True, 100).blocks[0].unit.attention.chunk == 100


def test_between_chunks_the_moving_average_is_the_only_path(signal_paths):
    model, x = MegaChunk(16, 1, True, 8, chunk=4).double(), torch.randn(1, 8, 16, dtype=torch.float64)
    assert signal_paths(model, x)[4:, :4].all()
    with torch.no_grad():
        model.blocks[0].unit.mixer.forwards.gamma.zero_()
    assert not signal_paths(model, x)[4:, :4].any()


def test_the_embedding_is_dropped_out_before_the_first_block():
    model, seen = Mega(16, 1, False, 8, dropout=0.5).train(), []
    model.blocks[0].register_forward_pre_hook(lambda module, args: seen.append(args[0]))
    model(torch.ones(2, 8, 16))
    assert set(seen[0].unique().tolist()) == {0.0, 2.0}
    model.eval()(torch.ones(2, 8, 16))
    assert (seen[1] == 1).all()


@pytest.mark.parametrize("causal", [True, False])
def test_time_scales_and_inputs_of_the_averages_do_not_decay(causal):
    model = Mega(16, 2, causal, 8)
    (group,) = model.param_groups()
    assert group["weight_decay"] == 0.0
    exempt = {id(p) for p in group["params"]}
    names = {name.rsplit(".", 1)[-1] for name, p in model.named_parameters() if id(p) in exempt}
    assert names == {"delta", "alpha", "beta"}
    assert len(exempt) == 3 * 2 * (1 if causal else 2)
