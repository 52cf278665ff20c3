"""FinalMLP and the MLP baseline."""

import pytest
import torch
from archarena.harness import Fields
from archarena.harness.errors import UserError
from archarena.models.finalmlp import BilinearFusion, FinalMLP
from archarena.models.mlp import MLP

# Rows of the ten tables as FuxiCTR 2.x counts them, padding and unknown included: 5,399 in all.
FRAPPE = Fields((956, 4084, 9, 9, 4, 5, 4, 11, 82, 235))
PUBLISHED = {"width2": 100, "gate": 400, "heads": 5, "context1": (0,), "context2": (1,)}


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
    o1 = model.stream1(2 * torch.sigmoid(model.gate1(ids, None)) * e)
    o2 = model.stream2(2 * torch.sigmoid(model.gate2(ids, None)) * e)
    linear = model.fusion.linear1(o1) + model.fusion.linear2(o2)
    W = model.fusion.bilinear.detach().reshape(2, 4, 2)
    heads = torch.einsum("bhi,hij,bhj->b", o1.unflatten(1, (2, 4)), W, o2.unflatten(1, (2, 2)))
    torch.testing.assert_close(model(ids), linear + heads[:, None])


@pytest.mark.parametrize("outputs", [1, 3, 4, 9])
def test_both_ways_to_the_bilinear_form_agree(outputs):
    fusion = BilinearFusion(8, 4, heads=2, outputs=outputs).double()
    o1, o2 = torch.randn(5, 8, dtype=torch.float64), torch.randn(5, 4, dtype=torch.float64)
    W = fusion.bilinear.view(2, 4, 2, outputs)
    expected = torch.einsum("bhi,hijo,bhj->bo", o1.unflatten(1, (2, 4)), W, o2.unflatten(1, (2, 2)))
    torch.testing.assert_close(fusion.interact(o1, o2), expected)


def test_heads_that_do_not_divide_a_stream_are_refused():
    with pytest.raises(UserError, match="equal heads"):
        FinalMLP(Fields((5, 6)), 1, width=8, depth=1, heads=3)


def test_batch_norm_comes_before_relu():
    kinds = [type(layer).__name__ for layer in FinalMLP(Fields((5,)), 1, width=8, depth=1, dropout1=0.4).stream1]
    assert kinds == ["Linear", "BatchNorm1d", "ReLU", "Dropout"]


@pytest.mark.parametrize(
    "options", [{}, {"gate": 6}, {"context1": (0,)}, {"context1": (2,), "context2": (0, 1), "gate": 6}]
)
def test_only_declared_parameters_get_no_gradient(options):
    fields = Fields((5, 6), n_dense=1)
    model = FinalMLP(fields, 2, width=8, depth=2, **options)
    (model(rows(fields, 20), torch.randn(20, 1)) * torch.randn(20, 2)).sum().backward()
    silent = {name for name, p in model.named_parameters() if p.grad is None or not p.grad.any()}
    assert silent == set(model.dead_parameters())


@pytest.mark.parametrize("model_class", [FinalMLP, MLP])
def test_the_body_is_all_but_tables_and_head(model_class):
    model = model_class(FRAPPE, 1, width=8, depth=2)
    body = {id(p) for p in model.body_parameters()}
    rest = {name.split(".")[0] for name, p in model.named_parameters() if id(p) not in body}
    assert rest <= {"embedding", "fusion", "head", "gate1", "gate2"}
    assert not any(id(p) in body for p in model.embedding.parameters())
    larger = model_class(Fields((50_000, 9)), 7, width=8, depth=2), model_class(Fields((5, 9)), 1, width=8, depth=2)
    assert len({sum(p.numel() for p in m.body_parameters()) for m in larger}) == 1


def test_gates_start_at_one():
    model = FinalMLP(Fields((5, 6)), 1, width=8, depth=2).eval()
    assert torch.equal(model.gate1(rows(Fields((5, 6)), 3), None), torch.zeros(1, 20))


def test_a_gate_without_context_runs_on_one_row():
    model = FinalMLP(Fields((5, 6)), 1, width=8, depth=2)
    assert model.gate1(rows(Fields((5, 6)), 30), None).shape[0] == 1
    steered = FinalMLP(Fields((5, 6)), 1, width=8, depth=2, context1=(1,))
    assert steered.gate1(rows(Fields((5, 6)), 30), None).shape[0] == 30


def test_rows_of_the_same_context_share_scores_and_gradients():
    fields = Fields((5, 6))
    gate = FinalMLP(fields, 1, width=8, depth=1, context1=(1,)).double().gate1
    ids, upstream = rows(fields, 30), torch.randn(30, 20, dtype=torch.float64)
    by_row = gate.mlp(gate.tables(ids, None).flatten(1))
    torch.testing.assert_close(gate(ids, None), by_row)
    gradients = [torch.autograd.grad(scores, gate.parameters(), upstream) for scores in (gate(ids, None), by_row)]
    torch.testing.assert_close(*gradients)


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
