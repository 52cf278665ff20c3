"""Decoding one position at a time, with a model's own step or with forward over the prefix."""

import re

import pytest
import torch
from archarena.harness import (
    Classes,
    FieldModel,
    NextToken,
    PerPosition,
    SequenceModel,
    Series,
    Size,
    TaskSpec,
    Tokens,
    build,
)
from archarena.harness.assembly.module import tensors_of
from archarena.harness.errors import UserError
from torch import nn

LENGTH = 20
NEXT_TOKEN = TaskSpec(Tokens(11, LENGTH), NextToken(11), causal=True)
SERIES = TaskSpec(Series(3, LENGTH), PerPosition(4), causal=True)


class Decay(SequenceModel):
    """A moving sum with a state of one vector per layer."""

    def __init__(self, width, depth):
        super().__init__()
        self.layers = nn.ModuleList(nn.Linear(width, width) for _ in range(depth))

    def forward(self, x, lengths=None):
        state, outputs = self.init_state(len(x)), []
        for position in x.unbind(1):
            y, state = self._mix(position, state)
            outputs.append(y)
        return torch.stack(outputs, 1)

    def init_state(self, batch):
        return [layer.weight.new_zeros(batch, layer.in_features) for layer in self.layers]

    def _mix(self, x, state):
        new = []
        for layer, held in zip(self.layers, state, strict=True):
            new.append(0.5 * held + x)
            x = torch.tanh(layer(new[-1]))
        return x, new


class Stepping(Decay):
    def step(self, x, state):
        return self._mix(x, state)


class Window(FieldModel):
    """Applies one linear map to its fields."""

    def __init__(self, fields, outputs):
        super().__init__()
        self.tables = nn.ModuleList(nn.Embedding(count, outputs) for count in fields.cardinalities)
        self.numbers = nn.Linear(fields.n_dense, outputs) if fields.n_dense else None

    def forward(self, ids, dense=None):
        parts = [table(ids[:, f]).sum(1) for f, table in enumerate(self.tables)]
        return sum(parts) if self.numbers is None else self.numbers(dense)

    def body_parameters(self):
        return self.parameters()


class Shortened(Decay):
    def forward(self, x, lengths=None):
        return super().forward(x, lengths)[:, 1:]


class Widened(Window):
    def forward(self, ids, dense=None):
        return super().forward(ids, dense).repeat(1, 2)


class Silent(Decay):
    def forward(self, x, lengths=None):
        pass


@pytest.mark.parametrize(
    ("cls", "says"),
    [
        (Shortened, "returned shape (2, 19, 8), expected (2, 20, 8)"),
        (Widened, "returned shape (40, 22), expected (40, 11)"),
        (Silent, "returned NoneType, not a tensor"),
    ],
)
def test_a_forward_of_another_shape_is_one_sentence(cls, says):
    built = build(cls, NEXT_TOKEN, Size(8, 2))
    with pytest.raises(UserError, match=re.escape(f"forward() of model '{cls.__name__}' {says}.")):
        built(tokens=torch.ones(2, LENGTH, dtype=torch.long))


@pytest.mark.parametrize("cls", [Stepping, Decay, Window])
@pytest.mark.parametrize("spec", [NEXT_TOKEN, SERIES], ids=["tokens", "series"])
def test_step_equals_forward_with_a_step_of_ones_own_and_without(cls, spec):
    built = build(cls, spec, Size(8, 2)).eval()
    assert built.steps_itself == (cls is Stepping)
    rows = torch.randint(11, (3, LENGTH)) if spec is NEXT_TOKEN else torch.randn(3, LENGTH, 3)
    state, outputs = built.init_state(3), []
    for x in rows.unbind(1):
        y, state = built.step(x, state)
        outputs.append(y)
    whole = built(**({"tokens": rows} if spec is NEXT_TOKEN else {"values": rows}))
    torch.testing.assert_close(torch.stack(outputs, 1), whole)


def test_the_state_of_all_layers_is_composed():
    state = build(Stepping, NEXT_TOKEN, Size(8, 5)).init_state(2)
    assert [tuple(leaf.shape) for leaf in tensors_of(state)] == [(2, 8)] * 5


def test_what_was_seen_is_cut_at_the_length_of_the_task():
    built = build(Decay, NEXT_TOKEN, Size(8, 1)).eval()
    state = built.init_state(2)
    for token in torch.randint(11, (LENGTH + 5, 2)):
        _, state = built.step(token, state)
    assert state.shape == (2, LENGTH)


@pytest.mark.parametrize(
    "spec", [TaskSpec(Tokens(11, LENGTH), Classes(2), causal=True), TaskSpec(Tokens(11, LENGTH), PerPosition(2))]
)
def test_a_task_that_cannot_be_decoded_has_no_state(spec):
    with pytest.raises(NotImplementedError):
        build(Stepping, spec, Size(8, 1)).init_state(2)
