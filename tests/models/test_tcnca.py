"""TCNCA is MEGA-chunk with another filter; tcnca-simple has no gates."""

import pytest
import torch
from archarena.models.mega import Mega, MegaChunk
from archarena.models.tcnca import TCNCA
from archarena.models.tcnca_simple import TCNCASimple


def shapes(model):
    return {name: tuple(p.shape) for name, p in model.named_parameters()}


@pytest.mark.parametrize("options", [{}, {"bias": "rotary", "norm": "batch", "attention": "laplace"}])
@pytest.mark.parametrize("causal", [True, False])
def test_mega_mega_chunk_and_tcnca_differ_in_the_filter_alone(causal, options):
    models = [cls(32, 2, causal, 64, chunk=16, **options) for cls in (Mega, MegaChunk, TCNCA)]
    outside = [{name: shape for name, shape in shapes(m).items() if "wards." not in name} for m in models]
    assert outside[0] == outside[1] == outside[2]
    assert all(len(rest) < len(shapes(m)) for rest, m in zip(outside, models, strict=True))


def test_the_filters_span_the_length_unless_told_otherwise():
    assert len(TCNCA(8, 1, True, 1024, kernel=17, factor=8).blocks[0].unit.mixer.forwards.weights) == 3
    assert len(TCNCA(8, 1, True, 1024, layers=1).blocks[0].unit.mixer.forwards.weights) == 1


def test_filters_of_the_enwik8_setting_are_about_as_large_as_megas():
    tcn, ema = (
        sum(p.numel() for p in model.blocks[0].unit.mixer.parameters())
        for model in (TCNCA(512, 1, True, 9361), Mega(512, 1, True, 8))
    )
    assert tcn == 4 * 17 * 512 + 512
    assert tcn == pytest.approx(ema, rel=0.07)


def test_the_simple_form_adds_filter_attention_and_network_in_turn():
    model = TCNCASimple(8, 1, True, 12, chunk=4).double()
    block, x = model.blocks[0], torch.randn(2, 12, 8, dtype=torch.float64)
    y = x + block.mixer(block.mixer_norm(x))
    q, k, v = block.attention.qkv(block.attention_norm(y)).chunk(3, dim=-1)
    y = y + block.attention.out(block.attention.chunked(q, k, v))
    torch.testing.assert_close(model(x), model.norm(block.ffn(y)))
