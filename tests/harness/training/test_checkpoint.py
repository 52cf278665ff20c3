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


def make():
    """Return a small model with its optimizer."""
    model = build(Linear, TaskSpec(Tokens(7, 5), Classes(3)), Size(4, 1))
    return model, torch.optim.AdamW(model.param_groups(0.1))


@pytest.mark.parametrize("state", [AttemptState(), AttemptState(step=3, best=0.5, loss=0.1 + 0.2, curve=[POINT])])
def test_a_checkpoint_restores_the_state_the_tensors_and_the_random_state(state, tmp_path):
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


def cut(content):
    return content[:-40]


def flip(content):
    """Change one bit of the last tensor, which leaves the file readable."""
    return content[:-1] + bytes([content[-1] ^ 1])


@pytest.mark.parametrize("damage", [cut, flip, lambda _: b"", lambda _: b"garbage" * 9])
def test_a_damaged_checkpoint_is_not_used(damage, tmp_path, capsys):
    file, weights = tmp_path / "c.safetensors", {"half": torch.ones(3, dtype=torch.bfloat16), "none": torch.ones(0)}
    model, optimizer = make()
    save_checkpoint(file, AttemptState(step=3), model, weights, optimizer, torch.device("cpu"))
    assert load_checkpoint(file, model, optimizer) is not None
    file.write_bytes(damage(file.read_bytes()))
    assert load_checkpoint(file, model, optimizer) is None
    assert capsys.readouterr().out == "c.safetensors is damaged, so this attempt starts again.\n"


def test_a_folder_in_place_of_a_checkpoint_is_replaced(tmp_path):
    file = tmp_path / "c.safetensors"
    file.mkdir()
    model, optimizer = make()
    assert load_checkpoint(file, model, optimizer) is None
    save_checkpoint(file, AttemptState(step=3), model, {}, optimizer, torch.device("cpu"))
    assert load_checkpoint(file, model, optimizer)[0].step == 3
