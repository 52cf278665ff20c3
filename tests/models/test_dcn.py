"""Both Deep & Cross networks."""

import pytest
import torch
from archarena.harness import Fields
from archarena.models.dcn import DCN, VectorCross
from archarena.models.dcnv2 import DCNv2, MatrixCross

FIELDS = Fields((5, 6))
IDS = torch.tensor([[[1], [2]], [[3], [4]], [[4], [1]]])


def test_a_vector_cross_scales_the_embeddings_by_an_inner_product():
    cross, e, x = VectorCross(4), torch.randn(3, 4), torch.randn(3, 4)
    with torch.no_grad():
        cross.bias.normal_()
    torch.testing.assert_close(cross(e, x), (x @ cross.weight.weight[0])[:, None] * e + cross.bias)


def test_a_matrix_cross_multiplies_the_embeddings_by_a_linear_map():
    cross, e, x = MatrixCross(4, rank=2), torch.randn(3, 4), torch.randn(3, 4)
    torch.testing.assert_close(cross(e, x), e * (x @ cross.map.weight.T + cross.map.bias))


@pytest.mark.parametrize(("rank", "weights"), [(1, 6 + 6), (2, 12 + 12), (3, 36), (9, 36)])
def test_a_matrix_is_full_unless_two_of_low_rank_take_fewer_weights(rank, weights):
    assert sum(p.numel() for p in MatrixCross(6, rank).parameters()) == weights + 6


@pytest.mark.parametrize("model_class", [DCN, DCNv2])
@pytest.mark.parametrize("layers", [1, 2, 3])
def test_the_tower_is_a_polynomial_of_one_degree_more_than_its_layers(model_class, layers):
    model = model_class(FIELDS, 1, width=4, depth=1, cross_layers=layers).double().eval()
    torch.nn.init.zeros_(model.hidden[0].weight)  # the perceptron then gives the same for every row
    with torch.no_grad():
        model.embedding.table.weight.normal_()
    start = model.embedding.table.weight.detach().clone()

    def score(scale: float) -> torch.Tensor:
        with torch.no_grad():
            model.embedding.table.weight.copy_(scale * start)
            return model(IDS)[:, 0]

    values = torch.stack([score(k) for k in range(layers + 3)])
    differences = [values]
    while len(differences[-1]) > 1:
        differences.append(differences[-1].diff(dim=0))
    assert differences[layers + 1].abs().max() > 1e-6
    torch.testing.assert_close(differences[layers + 2], torch.zeros(1, 3, dtype=torch.float64))
