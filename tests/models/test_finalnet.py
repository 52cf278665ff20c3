import pytest
import torch
from archarena.harness import Binary, Classes, Fields, Regression, TaskSpec
from archarena.harness.errors import UserError
from archarena.models.finalnet import FieldGate, FinalNet, HalfProducts
from torch.nn import functional as F

FIELDS = Fields((5, 6, 7))
IDS = torch.tensor([[[1], [2], [3]], [[4], [5], [6]], [[2], [2], [2]], [[3], [1], [5]]])


def make(outputs, **options) -> FinalNet:
    return FinalNet(FIELDS, getattr(outputs, "n", 1), 8, 2, TaskSpec(FIELDS, outputs), **options)


def test_a_layer_multiplies_one_half_with_the_other():
    layer, x = HalfProducts(5, 6), torch.randn(4, 5)
    h2, h1 = (x @ layer.linear.weight.T + layer.linear.bias).split(3, dim=1)
    torch.testing.assert_close(layer(x), torch.cat((h2, h1 * h2), 1))


def test_a_gate_starts_by_repeating_the_fields():
    vectors = torch.randn(4, 3, 5)
    torch.testing.assert_close(FieldGate(3)(vectors), torch.cat((vectors, vectors), 1))


def test_a_gate_multiplies_each_field_with_a_mixture_of_all():
    gate, vectors = FieldGate(3), torch.randn(4, 3, 5)
    with torch.no_grad():
        gate.mix.weight.normal_()
    mixed = torch.einsum("gf,bfd->bgd", gate.mix.weight, vectors) + 1
    torch.testing.assert_close(gate(vectors)[:, 3:], vectors * mixed)


def test_the_score_is_the_mean_of_both_blocks():
    model = make(Binary(), width2=6, depth2=1).eval()
    vectors = model.embedding(IDS)
    y1 = model.head1(model.block1(model.gate(vectors).flatten(1)))
    y2 = model.head2(model.block2(vectors.flatten(1)))
    torch.testing.assert_close(model(IDS), (y1 + y2) / 2)


DISTANCES = {
    "click": (Binary(), lambda y, mean: F.binary_cross_entropy(y.sigmoid(), mean.sigmoid())),
    "classes": (Classes(3), lambda y, mean: -(mean.softmax(1) * y.log_softmax(1)).sum(1).mean()),
    "regression": (Regression(2), lambda y, mean: ((y - mean) ** 2).mean()),
}


@pytest.mark.parametrize("kind", DISTANCES)
def test_each_block_learns_from_their_mean_which_does_not_move(kind):
    outputs, distance = DISTANCES[kind]
    model = make(outputs).train()
    model(IDS)
    y1, y2 = (y.detach() for y in model.last)
    mean, loss = (y1 + y2) / 2, model.auxiliary_loss()
    torch.testing.assert_close(loss, distance(y1, mean) + distance(y2, mean))
    loss.backward()
    pull = torch.autograd.functional.jacobian(lambda y: distance(y, mean), y1)
    torch.testing.assert_close(model.head1.bias.grad, pull.sum(0))


def test_the_term_belongs_to_one_forward_pass_in_training():
    model = make(Binary()).train()
    assert model.auxiliary_loss() is None
    model(IDS)
    assert model.auxiliary_loss() is not None
    assert model.auxiliary_loss() is None
    model.eval()(IDS)
    assert model.auxiliary_loss() is None


def test_an_odd_width_is_refused():
    with pytest.raises(UserError, match="7 must be even"):
        make(Binary(), width2=7)
