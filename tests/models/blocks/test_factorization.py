from itertools import combinations

import pytest
import torch
from archarena.harness import Fields
from archarena.models.blocks.factorization import FirstOrder, PairProducts


def test_pair_products_are_the_sum_of_all_inner_products():
    vectors = torch.randn(7, 5, 4, dtype=torch.float64)
    pairs = sum((vectors[:, f] * vectors[:, g]).sum(1) for f, g in combinations(range(5), 2))
    torch.testing.assert_close(PairProducts(4, outputs=1)(vectors), pairs[:, None])


def test_several_outputs_weigh_the_entries_of_the_products():
    vectors = torch.randn(7, 5, 4, dtype=torch.float64)
    products = PairProducts(4, outputs=3).double()
    pairs = sum(vectors[:, f] * vectors[:, g] for f, g in combinations(range(5), 2))
    torch.testing.assert_close(products(vectors), torch.einsum("bk,ok->bo", pairs, products.outputs.weight))


@pytest.mark.parametrize("outputs", [1, 3])
def test_first_order_adds_a_weight_for_each_value(outputs):
    term = FirstOrder(Fields((4, 6), n_dense=1), outputs)
    with torch.no_grad():
        term.weights.table.weight.normal_()
        term.bias.normal_()
    ids, x = torch.tensor([[[2], [5]]]), torch.tensor([[-1.5]])
    weights = term.weights.table.weight
    expected = weights[2] + weights[4 + 5] + x * term.weights.slopes[0, 0] + term.bias
    torch.testing.assert_close(term(ids, x), expected.view(1, outputs))


def test_a_value_alone_changes_a_score_by_its_weight_whatever_the_others_are():
    term = FirstOrder(Fields((4, 6)), 1)
    change = [term(torch.tensor([[[2], [g]]])) - term(torch.tensor([[[1], [g]]])) for g in (1, 5)]
    torch.testing.assert_close(*change)
