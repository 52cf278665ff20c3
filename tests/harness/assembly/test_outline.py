import torch
from archarena.harness import PerPosition, Size, TaskSpec, Tokens, get_model
from archarena.harness.assembly.build import build
from archarena.harness.assembly.outline import outline
from torch import nn

SPEC = TaskSpec(Tokens(16, 8), PerPosition(16), causal=True)
ROW = {"tokens": torch.ones(1, 8, dtype=torch.long), "lengths": torch.tensor([8])}


def test_the_outline_of_a_transformer_names_its_products_and_counts_all_parameters():
    model = build(get_model("transformer"), SPEC, Size(16, 3))
    layers = outline(model, ROW)
    assert sum(layer.parameters for layer in layers if layer.depth == 0) == sum(p.numel() for p in model.parameters())
    (block,) = [layer for layer in layers if layer.kind == "Block"]
    assert (block.repeat, block.shape) == (3, [8, 16])
    by_name = {layer.name: layer.products for layer in layers}
    assert by_name["attention"] == {"attention": 1}
    assert by_name["ffn"] == {"gate": 1}
    assert by_name["up"] == {"weights × activations": 1}


def test_a_module_that_cannot_run_has_no_outline_and_keeps_no_hooks():
    model = build(get_model("transformer"), SPEC, Size(16, 1))
    assert outline(model, {"wrong": torch.zeros(1)}) == []
    assert not any(module._forward_hooks or module._forward_pre_hooks for module in model.modules())
    assert isinstance(model, nn.Module)
