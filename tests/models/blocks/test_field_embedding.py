import torch
from archarena.harness import Fields
from archarena.models.blocks.field_embedding import FieldEmbedding
from hypothesis import given
from hypothesis import strategies as st

FIELDS = Fields((4, 7, 3), n_dense=2, bag=3)


@given(st.lists(st.tuples(*[st.lists(st.integers(0, n - 1), min_size=3, max_size=3) for n in FIELDS.cardinalities])))
def test_a_bag_is_the_mean_of_its_ids_and_padding_counts_for_nothing(bags):
    embedding = FieldEmbedding(FIELDS, 5)
    ids = torch.tensor(bags, dtype=torch.long).view(-1, 3, 3)
    vectors = embedding(ids, torch.zeros(len(ids), 2))
    starts = [0, 4, 11]
    for row, bag_of_each in enumerate(ids.tolist()):
        for field, bag in enumerate(bag_of_each):
            held = [embedding.table.weight[starts[field] + i] for i in bag if i] or [torch.zeros(5)]
            torch.testing.assert_close(vectors[row, field], torch.stack(held).mean(0))


def test_padding_rows_are_zero_and_get_no_gradient():
    embedding = FieldEmbedding(Fields((4, 7)), 5)
    embedding(torch.tensor([[[0], [0]], [[2], [0]]])).sum().backward()
    touched = embedding.table.weight.grad.abs().sum(1).nonzero().flatten().tolist()
    assert touched == [2]
    assert not embedding.table.weight[[0, 4]].any()
    assert embedding.table.weight[[1, 2, 3]].all()


def test_numbers_multiply_a_learned_vector_each():
    embedding = FieldEmbedding(FIELDS, 5)
    vectors = embedding(torch.zeros(1, 3, 3, dtype=torch.long), torch.tensor([[2.0, -3.0]]))
    torch.testing.assert_close(vectors[0, 3:], embedding.slopes[:, 0] * torch.tensor([[2.0], [-3.0]]))


def test_the_numbers_of_a_field_share_a_vector_that_is_linear_in_them():
    embedding = FieldEmbedding(Fields((), n_dense=6, group=3), 5)
    numbers = torch.randn(2, 6)
    vectors = embedding(torch.zeros(2, 0, 1, dtype=torch.long), numbers)
    expected = [numbers[:, :3] @ embedding.slopes[0], numbers[:, 3:] @ embedding.slopes[1]]
    torch.testing.assert_close(vectors, torch.stack(expected, 1))
    assert FieldEmbedding(Fields((), n_dense=6, group=3), 5, only=(1,)).n_vectors == 1


def test_only_the_chosen_fields_are_embedded():
    embedding = FieldEmbedding(FIELDS, 5, only=(2, 4))
    assert embedding.table.num_embeddings == 3
    ids, dense = torch.zeros(1, 3, 3, dtype=torch.long), torch.tensor([[9.0, 2.0]])
    ids[0, 2] = torch.tensor([2, 0, 0])
    expected = torch.stack([embedding.table.weight[2], 2.0 * embedding.slopes[0, 0]])
    torch.testing.assert_close(embedding(ids, dense)[0], expected)


def test_rows_start_from_a_narrow_normal():
    embedding = FieldEmbedding(Fields((5000,)), 10)
    assert 0.9e-4 < embedding.table.weight.std() < 1.1e-4
