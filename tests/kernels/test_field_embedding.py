from __future__ import annotations

import pytest
import torch
from archarena.kernels.field_embedding import field_embedding
from archarena.kernels.field_embedding.reference import reference
from hypothesis import given, settings
from hypothesis import strategies as st


def fields(cardinalities, batch, bag, seed=0):
    """Return a table with zeros for padding, random ids (including padding) and the offsets of the fields."""
    generator = torch.Generator().manual_seed(seed)
    offsets = torch.tensor([0, *cardinalities]).cumsum(0)
    table = torch.randn(int(offsets[-1]), 3, generator=generator)
    table[offsets[:-1]] = 0.0
    ids = torch.stack([torch.randint(n, (batch, bag), generator=generator) for n in cardinalities], 1)
    return table, ids, offsets[:-1]


@settings(max_examples=20)
@given(
    cardinalities=st.lists(st.integers(1, 5), min_size=1, max_size=4),
    batch=st.integers(1, 5),
    bag=st.integers(1, 3),
    seed=st.integers(0, 99),
)
def test_one_look_up_is_the_mean_of_each_fields_rows(assert_agrees, cardinalities, batch, bag, seed):
    assert_agrees(field_embedding, reference, fields(cardinalities, batch, bag, seed))


@pytest.mark.parametrize("bag", [1, 2])
def test_padding_is_zero_and_gets_no_gradient(bag):
    table, _, offsets = fields((4, 5), 2, bag)
    table.requires_grad_()
    y = field_embedding(table, torch.zeros(2, 2, bag, dtype=torch.long), offsets)
    assert not y.any()
    assert not torch.autograd.grad(y.sum(), table)[0].any()


def test_vmap():
    table, ids, offsets = fields((4, 5), 2, 1)
    mapped = torch.vmap(lambda ids: field_embedding(table, ids, offsets))(torch.stack((ids, 0 * ids)))
    assert torch.equal(mapped[0], field_embedding(table, ids, offsets))


def test_another_number_of_fields_is_refused():
    with pytest.raises(ValueError, match="2 fields"):
        field_embedding(torch.zeros(4, 2), torch.zeros(1, 3, 1, dtype=torch.long), torch.tensor([0, 2]))
