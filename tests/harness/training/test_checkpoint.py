"""A checkpoint restores what an attempt knew, also before its first validation pass."""

import math

import pytest
import torch
from archarena.harness import Classes, SequenceModel, Size, TaskSpec, Tokens, build
from archarena.harness.records.record import CurvePoint
from archarena.harness.training.checkpoint import AttemptState, load_checkpoint, save_checkpoint
from torch import nn

POINT = CurvePoint(step=3, samples=24, seconds=0.1 + 0.2, train_loss=1 / 3, valid=0.5)


class Linear(SequenceModel):
    """One linear map."""

    def __init__(self, width):
        super().__init__()
        self.linear = nn.Linear(width, width)

    def forward(self, x, lengths=None):
        return self.linear(x)


@pytest.mark.parametrize("state", [AttemptState(), AttemptState(step=3, best=0.5, loss=0.1 + 0.2, curve=[POINT])])
def test_a_checkpoint_restores_the_state_the_tensors_and_the_random_state(state, tmp_path):
    def make():
        model = build(Linear, TaskSpec(Tokens(7, 5), Classes(3)), Size(4, 1))
        return model, torch.optim.AdamW(model.param_groups(0.1))

    model, optimizer = make()
    model(tokens=torch.randint(1, 7, (2, 5))).sum().backward()
    optimizer.step()
    best = {"weight": torch.randn(3)}
    save_checkpoint(tmp_path / "c.safetensors", state, model, best, optimizer, torch.device("cpu"))
    drawn = torch.rand(2)
    other, fresh = make()
    found, weights = load_checkpoint(tmp_path / "c.safetensors", other, fresh)
    assert found == state
    assert math.isinf(found.loss) == (not state.curve)
    assert torch.equal(weights["weight"], best["weight"])
    assert torch.equal(torch.rand(2), drawn)
    assert all(torch.equal(a, b) for a, b in zip(model.parameters(), other.parameters(), strict=True))
    restored = zip(optimizer.state_dict()["state"].values(), fresh.state_dict()["state"].values(), strict=True)
    assert all(torch.equal(a[name], b[name]) for a, b in restored for name in a)
