"""Models with products of two fields (fm, deepfm), and one without products (lr)."""

import pytest
import torch
from archarena.harness import Fields
from archarena.models.deepfm import DeepFM
from archarena.models.fm import FM
from archarena.models.lr import LR

FIELDS = Fields((5, 6, 7))


def interaction(model: torch.nn.Module) -> torch.Tensor:
    """Return the second difference of scores in two fields; it is zero if the fields are only added."""
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.normal_()
        ids = torch.tensor([[[a], [b], [3]] for a in (1, 2) for b in (1, 2)])
        y = model.double().eval()(ids)
    return y[0] - y[1] - y[2] + y[3]


def test_logistic_regression_has_no_interactions():
    torch.testing.assert_close(interaction(LR(FIELDS, 2)), torch.zeros(2, dtype=torch.float64))


@pytest.mark.parametrize("outputs", [1, 3])
def test_a_factorisation_machine_has(outputs):
    assert (interaction(FM(FIELDS, outputs)).abs() > 1e-3).all()


def test_deepfm_adds_a_factorisation_machine_and_a_perceptron_over_one_embedding():
    model = DeepFM(FIELDS, 1, width=8, depth=2).double().eval()
    ids = torch.tensor([[[1], [2], [3]], [[4], [5], [6]]])
    machine = FM(FIELDS, 1).double()
    machine.embedding, machine.first_order.weights = model.embedding, model.first_order.weights
    deep = model.head(model.hidden(model.embedding(ids).flatten(1)))
    torch.testing.assert_close(model(ids), machine(ids) + deep)
