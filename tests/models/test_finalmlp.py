"""FinalMLP and the MLP baseline: exact on tables of fields."""

import pytest
import torch
from archarena.harness import Fields
from archarena.harness.errors import UserError
from archarena.models.finalmlp import FinalMLP
from archarena.models.mlp import MLP

# Rows of the ten tables as FuxiCTR 2.x counts them, padding and unknown included: 5,399 in all.
FRAPPE = Fields((956, 4084, 9, 9, 4, 5, 4, 11, 82, 235))
PUBLISHED = {"hidden": 400, "width2": 100, "gate": 400, "heads": 5, "context1": (0,), "context2": (1,)}


def count(model: torch.nn.Module) -> int:
    return sum(parameter.numel() for parameter in model.parameters())


def rows(fields: Fields, n: int) -> torch.Tensor:
    return torch.stack([torch.randint(1, size, (n,)) for size in fields.cardinalities], 1)[..., None]


def test_the_frappe_setting_has_the_published_number_of_parameters():
    assert sum(FRAPPE.cardinalities) == 5_399
    assert count(FinalMLP(FRAPPE, 1, width=400, depth=1, **PUBLISHED)) == 253_392


def test_the_logit_is_two_linear_maps_and_a_bilinear_form_a_head():
    model = FinalMLP(Fields((5, 6)), 1, width=8, depth=1, width2=4, heads=2).double().eval()
    ids = rows(Fields((5, 6)), 7)
    e = model.embedding(ids, None).flatten(1)
    o1 = model.stream1(model.gate1(ids, None) * e)
    o2 = model.stream2(model.gate2(ids, None) * e)
    linear = model.fusion.linear1(o1) + model.fusion.linear2(o2)
    W = model.fusion.bilinear.detach().reshape(2, 4, 2)
    heads = torch.einsum("bhi,hij,bhj->b", o1.unflatten(1, (2, 4)), W, o2.unflatten(1, (2, 2)))
    torch.testing.assert_close(model(ids), linear + heads[:, None])


def test_gates_start_near_one():
    model = FinalMLP(Fields((5, 6)), 1, width=8, depth=2).eval()
    assert torch.allclose(model.gate1(rows(Fields((5, 6)), 3), None), torch.ones(1, 20))


def test_a_gate_without_context_runs_on_one_row():
    model = FinalMLP(Fields((5, 6)), 1, width=8, depth=2)
    assert model.gate1(rows(Fields((5, 6)), 30), None).shape[0] == 1
    steered = FinalMLP(Fields((5, 6)), 1, width=8, depth=2, context1=(1,))
    assert steered.gate1(rows(Fields((5, 6)), 30), None).shape[0] == 30


def test_a_context_field_that_is_not_there_is_refused():
    with pytest.raises(UserError, match="fields 0 to 1"):
        FinalMLP(Fields((5, 6)), 1, width=8, depth=1, context1=(2,))


@pytest.mark.parametrize("model_class", [FinalMLP, MLP])
def test_padding_in_a_bag_counts_for_nothing(model_class):
    fields = Fields((7, 7), bag=4)
    model = model_class(fields, 3, width=8, depth=2).eval()
    short = torch.tensor([[[1, 2, 0, 0], [3, 0, 0, 0]]])
    moved = torch.tensor([[[0, 2, 0, 1], [0, 0, 3, 0]]])
    torch.testing.assert_close(model(short), model(moved))


def test_numbers_enter_as_multiples_of_a_learned_vector():
    model = MLP(Fields((3,), n_dense=2), 1, width=8, depth=1)
    ids = torch.tensor([[[1]]])
    vectors = [model.embedding(ids, torch.tensor([[value, 0.0]])) for value in (1.0, 2.0)]
    torch.testing.assert_close(2 * vectors[0][:, 1], vectors[1][:, 1])
