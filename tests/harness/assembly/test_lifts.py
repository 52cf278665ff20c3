import math

import pytest
import torch
from archarena.harness import (
    Classes,
    FieldModel,
    Fields,
    Image,
    NextToken,
    Pair,
    PerPosition,
    SequenceModel,
    Series,
    Size,
    TaskSpec,
    Tokens,
    UserError,
    build,
)
from archarena.harness.assembly.lifts import (
    CHUNKS,
    GROUPS,
    WINDOW,
    FieldsEmbedding,
    ImageChunks,
    SeriesChunks,
    TokenChunks,
    WindowFields,
    raster,
    reversed_rows,
)
from archarena.harness.assembly.sizing import fit_width
from archarena.harness.check import check_model
from archarena.harness.check.samples import SPECS
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn
from torch.nn import functional as F


class Perceptron(FieldModel):
    """One hidden layer over the concatenated mean embeddings of the fields."""

    def __init__(self, fields, outputs, width):
        super().__init__()
        self.tables = nn.ModuleList(nn.Embedding(count, 8, padding_idx=0) for count in fields.cardinalities)
        self.hidden = nn.Linear(8 * len(fields.cardinalities) + fields.n_dense, width)
        self.readout = nn.Linear(width, outputs)

    def forward(self, ids, dense=None):
        parts = [table(ids[:, f]).mean(1) for f, table in enumerate(self.tables)]
        return self.readout(torch.relu(self.hidden(torch.cat(parts if dense is None else [*parts, dense], 1))))


class MeanPool(SequenceModel):
    """Maps each position separately, so the mean in the head ignores the order."""

    def __init__(self, width):
        super().__init__()
        self.mix = nn.Sequential(
            nn.LayerNorm(width), nn.Linear(width, 4 * width), nn.GELU(), nn.Linear(4 * width, width)
        )

    def forward(self, x, lengths=None):
        return x + self.mix(x)


def which_came_first(rows, length):
    """Return tokens with one 1 and one 2 among others, and whether the 1 comes first."""
    generator = torch.Generator().manual_seed(rows)
    tokens = torch.randint(3, 8, (rows, length), generator=generator)
    places = torch.rand(rows, length, generator=generator).argsort(1)[:, :2]
    tokens.scatter_(1, places, torch.tensor([[1, 2]]).expand(rows, 2))
    return tokens, (places[:, 0] < places[:, 1]).long()


def accuracy_after_training(cls, steps=128, length=12):
    torch.manual_seed(0)
    model = build(cls, TaskSpec(Tokens(8, length), Classes(2)), Size(32, 1))
    tokens, targets = which_came_first(4096, length)
    optimizer = torch.optim.AdamW(model.param_groups(0.01), lr=1e-2)
    for step in range(steps):
        rows = slice(64 * (step % 64), 64 * (step % 64) + 64)
        optimizer.zero_grad()
        F.cross_entropy(model(tokens=tokens[rows]), targets[rows]).backward()
        optimizer.step()
    tokens, targets = which_came_first(500, length)
    return float((model(tokens=tokens).argmax(1) == targets).float().mean())


def test_a_lifted_field_model_beats_mean_pooling_where_order_matters():
    assert accuracy_after_training(MeanPool) < 0.6
    assert accuracy_after_training(Perceptron) > 0.85


def test_a_causal_window_ends_at_its_position():
    tokens = torch.arange(1, 21)[None]
    view = WindowFields(TaskSpec(Tokens(30, 20), NextToken(30), causal=True))
    ids, dense = view(tokens=tokens)
    assert dense is None
    assert view.fields == Fields((30,) * WINDOW)
    assert ids.shape == (20, WINDOW, 1)
    assert ids[2, :, 0].tolist() == [0] * (WINDOW - 3) + [1, 2, 3]
    assert ids[19, :, 0].tolist() == list(range(5, 21))


def test_a_bidirectional_window_is_centered():
    ids, _ = WindowFields(TaskSpec(Tokens(40, 30), PerPosition(2)))(tokens=torch.arange(1, 31)[None])
    assert ids[15, :, 0].tolist() == list(range(8, 24))


def test_a_window_over_a_series_holds_numbers():
    view = WindowFields(TaskSpec(Series(2, 5), PerPosition(2), causal=True))
    ids, dense = view(values=torch.arange(10.0).view(1, 5, 2))
    assert ids.shape == (5, 0, 1)
    assert dense[1].tolist() == [0, 0, 0, 0, 0, 0, 0, 1, 2, 3]


def test_tokens_are_cut_into_at_most_32_bags_in_order():
    view = TokenChunks(TaskSpec(Tokens(300, 100), Classes(2)))
    ids, _ = view(tokens=torch.arange(1, 101)[None])
    assert view.fields == Fields((300,) * 25, bag=4)
    assert len(view.fields.cardinalities) <= CHUNKS
    assert ids.flatten().tolist() == list(range(1, 101))


def test_the_sides_of_a_pair_stand_side_by_side():
    view = TokenChunks(TaskSpec(Pair(Tokens(300, 40)), Classes(2)))
    ids, _ = view(tokens=torch.arange(1, 81).view(1, 2, 40))
    assert ids.shape == (1, len(view.fields.cardinalities), view.fields.bag)
    assert ids[0, :20].flatten().tolist() == list(range(1, 41))
    assert ids[0, 20:].flatten().tolist() == list(range(41, 81))


@settings(max_examples=40)
@given(length=st.integers(1, 200), used=st.data())
def test_chunk_boundaries_do_not_move_with_the_array(length, used):
    view = TokenChunks(TaskSpec(Tokens(300, length), Classes(2)))
    count = used.draw(st.integers(1, length))
    narrow = torch.arange(1, count + 1)[None]
    wide = F.pad(narrow, (0, length - count))
    assert torch.equal(view(tokens=narrow)[0], view(tokens=wide)[0])
    assert view(tokens=wide)[0].shape[1:] == (len(view.fields.cardinalities), view.fields.bag)


@pytest.mark.parametrize("outputs", [Classes(3), PerPosition(3)])
def test_padding_changes_nothing_under_a_lift(outputs):
    model = build(Perceptron, TaskSpec(Tokens(20, 50), outputs), Size(16, 1)).eval()
    narrow, lengths = torch.randint(1, 20, (4, 33)), torch.full((4,), 33)
    outputs = [model(tokens=F.pad(narrow, (0, more)), lengths=lengths)[:, :33] for more in (0, 9, 17)]
    torch.testing.assert_close(outputs[0], outputs[1])
    torch.testing.assert_close(outputs[0], outputs[2])


def test_a_row_longer_than_the_spec_is_refused_by_chunks():
    model = build(Perceptron, TaskSpec(Tokens(20, 50), Classes(2)), Size(16, 1))
    with pytest.raises(UserError, match="51 positions"):
        model(tokens=torch.ones(1, 51, dtype=torch.long))


NUMBERS = {
    Image(1, 8, 8): (64, 1),
    Image(1, 28, 28): (49, 16),
    Image(1, 32, 32): (64, 16),
    Image(3, 32, 32): (64, 48),
    Image(1, 128, 128): (64, 256),
    Image(2, 5, 300): (60, 50),
    Series(1, 64): (64, 1),
    Series(1, 1025): (61, 17),
    Series(3, 600): (60, 30),
    Series(2000, 5): (5, 2000),
}
"""Inputs with the number of fields and of numbers per field that they become."""


@pytest.mark.parametrize("inputs", NUMBERS, ids=str)
def test_field_and_sequence_models_receive_the_same_numbers(inputs):
    spec, is_image = TaskSpec(inputs, Classes(2)), isinstance(inputs, Image)
    shape = (2, inputs.channels, inputs.height, inputs.width) if is_image else (2, inputs.length, inputs.channels)
    rows = torch.arange(1.0, 1 + math.prod(shape)).view(shape)
    view = (ImageChunks if is_image else SeriesChunks)(spec)
    ids, dense = view(**{"pixels" if is_image else "values": rows})
    assert (view.fields.n_numeric, view.fields.group) == NUMBERS[inputs]
    assert view.fields.n_numeric <= GROUPS
    assert ids.shape == (2, 0, 1)
    assert dense.shape == (2, view.fields.n_dense)
    for sent, received in zip(rows, dense, strict=True):
        assert received[received > 0].sort().values.tolist() == sent.flatten().sort().values.tolist()


def test_a_field_of_an_image_is_a_square_and_a_field_of_a_series_an_interval():
    pixels = torch.arange(256.0).view(1, 1, 16, 16)
    _, dense = ImageChunks(TaskSpec(Image(1, 16, 16), Classes(2)))(pixels=pixels)
    assert dense.view(64, 4)[9].tolist() == [34, 35, 50, 51]
    _, dense = SeriesChunks(TaskSpec(Series(2, 128), Classes(2)))(values=torch.arange(256.0).view(1, 128, 2))
    assert dense.view(64, 4)[9].tolist() == [36, 37, 38, 39]


def test_a_raster_goes_row_by_row():
    pixels = torch.arange(12.0).view(1, 2, 2, 3)
    assert raster(pixels)[0].tolist() == [[0, 6], [1, 7], [2, 8], [3, 9], [4, 10], [5, 11]]


def test_fields_become_positions_that_can_be_told_apart():
    embedding = FieldsEmbedding(Fields((4, 4), n_dense=2, bag=2), width=8)
    same_id, dense = torch.tensor([[[3, 0], [3, 0]]]), torch.tensor([[1.0, 1.0]])
    x, lengths = embedding(same_id, dense)
    assert lengths is None
    assert x.shape == (1, 4, 8)
    assert len(x[0].unique(dim=0)) == 4


def test_a_bag_is_the_mean_of_its_ids_and_padding_does_not_count():
    embedding = FieldsEmbedding(Fields((4, 6), bag=3), width=8)
    with torch.no_grad():
        embedding.places.zero_()
    one, padded, both = (
        embedding(torch.tensor([[bag, [1, 0, 0]]]))[0][0, 0] for bag in ([2, 2, 2], [2, 0, 0], [2, 3, 0])
    )
    torch.testing.assert_close(one, padded)
    torch.testing.assert_close(both, (embedding.table.weight[2] + embedding.table.weight[3]) / 2)
    assert torch.equal(embedding(torch.zeros(1, 2, 3, dtype=torch.long))[0], torch.zeros(1, 2, 8))


class Recurrent(SequenceModel):
    """A GRU, which reads only earlier positions."""

    causal_only = True

    def __init__(self, width, *, cell: str = "GRU"):
        super().__init__()
        self.norm, self.cell = nn.LayerNorm(width), getattr(nn, cell)(width, width, batch_first=True)

    def forward(self, x, lengths=None):
        return x + self.cell(self.norm(x))[0]


def test_two_directions_reverse_each_row_within_its_length():
    x = torch.arange(8.0).view(2, 4, 1)
    assert reversed_rows(x, torch.tensor([4, 2])).squeeze(-1).tolist() == [[3, 2, 1, 0], [5, 4, 6, 7]]
    assert reversed_rows(x, None).squeeze(-1).tolist() == [[3, 2, 1, 0], [7, 6, 5, 4]]


@pytest.mark.parametrize("cell", ["GRU", "LSTM"])
def test_a_causal_only_model_passes_every_check(cell):
    class Chosen(Recurrent):
        def __init__(self, width):
            super().__init__(width, cell=cell)

    names = ("tokens to classes", "tokens to a class each, bidirectional", "next token", "image to classes")
    findings = check_model(Chosen, {name: SPECS[name] for name in names})
    assert not [finding for finding in findings if finding.status == "failed"]


def test_check_says_what_to_do_with_a_model_that_reads_only_earlier_positions():
    class Undeclared(Recurrent):
        causal_only = False

    findings = check_model(Undeclared, {"tokens to classes": SPECS["tokens to classes"]})
    (failed,) = (finding for finding in findings if finding.status == "failed")
    assert failed.name == "reach"
    assert failed.message.endswith("set causal_only = True in its class")


@pytest.mark.parametrize("spec", [TaskSpec(Tokens(9, 12), Classes(2)), TaskSpec(Tokens(9, 12), PerPosition(3))])
def test_two_directions_have_the_body_size_of_one_model(spec):
    fit = fit_width(Recurrent, spec, 2, 100_000, {})
    assert fit.fair
    built = build(Recurrent, spec, Size(fit.width, 2))
    assert built.lift == "two-directions"
    assert sum(p.numel() for p in built.body_parameters()) == fit.body


def test_one_direction_suffices_for_a_causal_task():
    built = build(Recurrent, TaskSpec(Tokens(9, 12), NextToken(9), causal=True), Size(8, 2))
    assert built.lift is None
    assert type(built.core) is Recurrent


def test_lifts_of_an_image_and_of_two_directions_are_both_named():
    assert build(Recurrent, TaskSpec(Image(1, 3, 4), Classes(2)), Size(8, 2)).lift == "raster, two-directions"
