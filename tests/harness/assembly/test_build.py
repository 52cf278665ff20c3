import math

import pytest
import torch
from archarena.harness import (
    Binary,
    Classes,
    FieldModel,
    Fields,
    Image,
    ImageModel,
    Labels,
    NextToken,
    Pair,
    PerPosition,
    Regression,
    SequenceModel,
    Series,
    Size,
    TaskSpec,
    Tokens,
    UserError,
    assemble,
    build,
)
from archarena.harness.check.samples import make_batch, output_shape
from archarena.harness.contract.hyperparameters import check_hyperparameters
from torch import nn

SPECS = [
    TaskSpec(Tokens(20, 12), Classes(3)),
    TaskSpec(Tokens(20, 12), Labels(4, 3), causal=True),
    TaskSpec(Tokens(20, 12), PerPosition(3)),
    TaskSpec(Tokens(20, 12), NextToken(20), causal=True),
    TaskSpec(Tokens(20, 70), Binary()),
    TaskSpec(Pair(Tokens(20, 40)), Classes(2)),
    TaskSpec(Fields((5, 6)), Binary()),
    TaskSpec(Fields((5, 6), n_dense=3, bag=2), Regression(2)),
    TaskSpec(Fields((), n_dense=3), Binary()),
    TaskSpec(Series(2, 300), Regression(4)),
    TaskSpec(Series(2, 9), PerPosition(3), causal=True),
    TaskSpec(Image(3, 32, 20), Classes(5)),
    TaskSpec(Image(1, 4, 5), PerPosition(3)),
]


class Lag(SequenceModel):
    """Adds the previous position; exempts its only weight, which has two axes, from decay."""

    def __init__(self, width, depth, *, gain: float = 1.0, taps: int = 2, mode: str = "add", bound: int | None = None):
        super().__init__()
        self.norm = nn.LayerNorm(width)
        self.mix = nn.Linear(width, width)
        self.scale = nn.Parameter(torch.full((1, width), gain))

    def forward(self, x, lengths=None):
        before = nn.functional.pad(x, (0, 0, 1, 0))[:, :-1]
        return x + self.scale * self.mix(self.norm(before))

    def param_groups(self):
        return [{"params": [self.scale], "weight_decay": 0.0}, {"params": [self.mix.bias], "max_rate": 1e-3}]


class Sum(FieldModel):
    """A linear model of bags and numbers."""

    def __init__(self, fields, outputs, width):
        super().__init__()
        self.tables = nn.ModuleList(nn.EmbeddingBag(count, width, mode="sum") for count in fields.cardinalities)
        self.numbers = nn.Linear(fields.n_dense, width) if fields.n_dense else None
        self.body = nn.Linear(width, width)
        self.readout = nn.Linear(width, outputs)

    def forward(self, ids, dense=None):
        hidden = sum((table(ids[:, f]) for f, table in enumerate(self.tables)), torch.zeros(1))
        if self.numbers is not None:
            hidden = hidden + self.numbers(dense)
        return self.readout(torch.relu(self.body(hidden)))

    def body_parameters(self):
        return self.body.parameters()


@pytest.mark.parametrize("cls", [Lag, Sum])
@pytest.mark.parametrize("spec", SPECS, ids=lambda spec: f"{type(spec.inputs).__name__}-{type(spec.outputs).__name__}")
def test_every_kind_of_model_takes_every_kind_of_task(cls, spec):
    inputs, _ = make_batch(spec, rows=5)
    outputs = build(cls, spec, Size(8, 2))(**inputs)
    assert outputs.shape == output_shape(spec, 5)
    assert outputs.dtype == torch.float32
    assert outputs.isfinite().all()


@pytest.mark.parametrize(
    ("inputs", "sequence_lift", "field_lift"),
    [
        (Tokens(20, 12), None, "chunks-as-fields"),
        (Fields((5, 6)), "fields-as-sequence", None),
        (Image(1, 4, 4), "raster", "chunks-as-fields"),
    ],
)
def test_a_lift_is_named_and_a_native_task_has_none(inputs, sequence_lift, field_lift):
    spec = TaskSpec(inputs, Classes(2))
    assert build(Lag, spec, Size(8, 1)).lift == sequence_lift
    assert build(Sum, spec, Size(8, 1)).lift == field_lift
    if isinstance(inputs, Tokens):
        assert build(Sum, TaskSpec(inputs, NextToken(20), causal=True), Size(8, 1)).lift == "window-as-fields"


def test_absent_lengths_mean_that_all_positions_count():
    spec = TaskSpec(Tokens(20, 12), Classes(3))
    model, tokens = build(Lag, spec, Size(8, 1)), make_batch(spec)[0]["tokens"]
    torch.testing.assert_close(model(tokens=tokens), model(tokens=tokens, lengths=torch.full((8,), 12)))


def test_a_pooled_row_is_the_mean_of_its_valid_positions_alone():
    spec = TaskSpec(Tokens(20, 12), Classes(3))
    model, tokens = build(Lag, spec, Size(8, 1)), torch.randint(1, 20, (4, 12))
    model.head.norm = nn.Identity()
    lengths = torch.tensor([12, 5, 1, 7])
    mixed = model.core(model.embedding.table(tokens))
    means = torch.stack([row[:length].mean(0) for row, length in zip(mixed, lengths, strict=True)])
    torch.testing.assert_close(model(tokens=tokens, lengths=lengths), model.head.linear(means))


def test_labels_are_decoded_from_the_last_valid_position_alone():
    built = build(Lag, TaskSpec(Tokens(20, 12), Labels(4, 3), causal=True), Size(8, 1)).eval()
    x, lengths = torch.randn(2, 12, 8), torch.tensor([5, 12])
    decoded = built.head(x, lengths)
    other = torch.randn_like(x)
    other[0, 4], other[1, 11] = x[0, 4], x[1, 11]
    torch.testing.assert_close(built.head(other, lengths), decoded)
    assert decoded.shape == (2, 12)
    assert len(decoded.unique()) == 24


def test_pairs_have_no_labels():
    with pytest.raises(UserError, match="cannot have Labels"):
        build(Lag, TaskSpec(Pair(Tokens(20, 12)), Labels(4, 3)), Size(8, 1))


def test_both_sides_of_a_pair_share_weights():
    spec = TaskSpec(Pair(Tokens(20, 6)), Classes(2))
    model, inputs = build(Lag, spec, Size(8, 1)), make_batch(spec)[0]
    sides = model.embedding(**inputs)[0].unflatten(0, (8, 2))
    torch.testing.assert_close(sides[:, 1], model.embedding.table(inputs["tokens"][:, 1]))


def test_the_body_is_the_model_without_the_harness_embedding_and_head():
    spec = TaskSpec(Tokens(20, 12), Classes(3))
    model = build(Lag, spec, Size(8, 1))
    assert {id(p) for p in model.body_parameters()} == {id(p) for p in model.core.parameters()}
    lifted = build(Sum, spec, Size(8, 1))
    assert sum(p.numel() for p in lifted.body_parameters()) == 8 * 8 + 8


def test_weight_decay_spares_vectors_embeddings_and_what_the_model_names():
    model = build(Lag, TaskSpec(Tokens(20, 12), Classes(3)), Size(8, 1))
    decayed, exempt, capped = model.param_groups(0.1)
    assert {id(p) for p in decayed["params"]} == {id(model.core.mix.weight), id(model.head.linear.weight)}
    assert decayed["weight_decay"] == 0.1
    assert exempt["weight_decay"] == 0.0
    assert (capped["params"], capped["weight_decay"]) == ([model.core.mix.bias], 0.0)
    assert [group["max_rate"] for group in (decayed, exempt, capped)] == [math.inf, math.inf, 1e-3]
    assert sum(len(group["params"]) for group in (decayed, exempt, capped)) == len(list(model.parameters()))


def test_only_arguments_that_init_names_are_passed():
    seen = {}

    class Greedy(Lag):
        def __init__(self, length, causal, width, depth):
            super().__init__(width, depth)
            seen.update(length=length, causal=causal, width=width, depth=depth)

    build(Greedy, TaskSpec(Image(1, 4, 5), Classes(2), causal=True), Size(8, 3))
    assert seen == {"length": 20, "causal": True, "width": 8, "depth": 3}
    build(Greedy, TaskSpec(Fields((5, 6), n_dense=2), Binary(), causal=True), Size(8, 3))
    assert seen["length"] == 4
    assert seen["causal"] is False


def test_hyperparameters_are_the_keyword_only_arguments():
    with pytest.raises(UserError, match="Known: gain, taps, mode, bound"):
        check_hyperparameters(Lag, {"unknown": 1})
    with pytest.raises(UserError, match="Known: none"):
        check_hyperparameters(Sum, {"unknown": 1})


@pytest.mark.parametrize("accepted", [{"gain": 2}, {"gain": 0.5}, {"taps": 3}, {"bound": 4}, {"bound": None}])
def test_a_value_of_the_right_type_is_accepted(accepted):
    check_hyperparameters(Lag, accepted)


@pytest.mark.parametrize(
    ("refused", "message"),
    [
        ({"tapz": 3}, "no hyperparameter 'tapz'. Did you mean 'taps'?"),
        ({"taps": 2.5}, "'taps' must be int, found 2.5"),
        ({"taps": True}, "'taps' must be int, found True"),
        ({"gain": "high"}, "'gain' must be float, found 'high'"),
        ({"bound": "wide"}, "must be int | None, found 'wide'"),
        ({"mode": None}, "'mode' must be str, found None"),
        ({"width": 3}, "no hyperparameter 'width'"),
    ],
)
def test_a_wrong_hyperparameter_is_refused_in_one_sentence(refused, message):
    with pytest.raises(UserError) as error:
        build(Lag, TaskSpec(Tokens(20, 12), Classes(3)), Size(8, 1), **refused)
    assert message in str(error.value)


def test_an_init_that_swallows_keywords_has_no_hidden_hyperparameters():
    class Swallower(Lag):
        def __init__(self, width, **anything):
            super().__init__(width, 1)

    with pytest.raises(UserError, match="no hyperparameter 'colour'"):
        build(Swallower, TaskSpec(Tokens(20, 12), Classes(3)), Size(8, 1), colour="red")


def test_an_init_that_asks_for_more_than_there_is_is_told():
    class Asking(Lag):
        def __init__(self, width, vocabulary):
            super().__init__(width, 1)

    with pytest.raises(UserError, match="__init__ parameter 'vocabulary'"):
        build(Asking, TaskSpec(Tokens(20, 12), Classes(3)), Size(8, 1))


def test_a_class_without_a_base_of_the_harness_is_refused():
    with pytest.raises(UserError, match="'Linear' must subclass SequenceModel, FieldModel or ImageModel"):
        build(nn.Linear, TaskSpec(Tokens(20, 12), Classes(3)), Size(8, 1))


def test_a_class_may_build_its_own_module():
    class Scaled(Lag):
        @classmethod
        def build(cls, spec, size, **hyperparameters):
            built = assemble(cls, spec, size, **hyperparameters)
            built.head.norm = nn.Identity()
            return built

    built = build(Scaled, TaskSpec(Tokens(20, 12), Classes(3)), Size(8, 1), gain=2.0)
    assert isinstance(built.core, Scaled)
    assert isinstance(built.head.norm, nn.Identity)


def test_a_build_that_returns_another_module_is_refused():
    class Bare(Lag):
        @classmethod
        def build(cls, spec, size, **hyperparameters):
            return nn.Linear(2, 2)

    with pytest.raises(UserError, match=r"build\(\) of model 'Bare' returned Linear, not a Built"):
        build(Bare, TaskSpec(Tokens(20, 12), Classes(3)), Size(8, 1))


def test_a_task_the_model_declines_is_refused_with_its_reason():
    class Picky(Lag):
        @classmethod
        def supports(cls, spec):
            return "it only reads pictures."

    with pytest.raises(UserError, match="it only reads pictures"):
        build(Picky, TaskSpec(Tokens(20, 12), Classes(3)), Size(8, 1))


def test_an_auxiliary_loss_is_passed_on():
    class Noisy(Sum):
        def auxiliary_loss(self):
            return torch.tensor(3.0)

    spec = TaskSpec(Fields((5, 6)), Binary())
    assert build(Noisy, spec, Size(8, 1)).auxiliary_loss() == 3.0
    assert build(Sum, spec, Size(8, 1)).auxiliary_loss() is None
    assert build(Lag, spec, Size(8, 1)).auxiliary_loss() is None


@pytest.mark.parametrize("cls", [Lag, Sum])
@pytest.mark.parametrize("inputs", [Tokens(12, 20), Series(3, 20)], ids=["tokens", "series"])
def test_outputs_at_marked_positions_are_those_of_the_whole_row(cls, inputs):
    model = build(cls, TaskSpec(inputs, PerPosition(5), causal=True), Size(8, 1)).eval()
    tokens = isinstance(inputs, Tokens)
    row = {"tokens": torch.randint(1, 12, (4, 20))} if tokens else {"values": torch.randn(4, 20, 3)}
    scored = torch.rand(4, 20) < 0.3
    torch.testing.assert_close(model(**row, scored=scored), model(**row)[scored])


class Pixels(ImageModel):
    """A linear map of all pixels."""

    def __init__(self, image: Image, outputs: int, width: int, *, scale: float = 1.0):
        super().__init__()
        self.scale = scale
        self.inner = nn.Linear(image.channels * image.height * image.width, width)
        self.outer = nn.Linear(width, outputs)

    def forward(self, pixels):
        return self.scale * self.outer(self.inner(pixels.flatten(1)))

    def body_parameters(self):
        return self.inner.parameters()


class SumOrPixels(Sum):
    image_form = Pixels


ONE_ANSWER, EACH_PIXEL = (TaskSpec(Image(1, 3, 4), outputs) for outputs in (Classes(5), PerPosition(5)))


def test_images_go_to_the_image_form_and_all_else_to_the_class_itself():
    built = build(SumOrPixels, ONE_ANSWER, Size(8, 1))
    assert isinstance(built.core, Pixels)
    assert built.lift is None
    assert isinstance(build(SumOrPixels, EACH_PIXEL, Size(8, 1)).core, Sum)


def test_each_form_gets_the_hyperparameters_that_it_has():
    with pytest.raises(UserError, match=r"Known: scale\."):
        check_hyperparameters(SumOrPixels, {"unknown": 1})
    assert build(SumOrPixels, ONE_ANSWER, Size(8, 1), scale=2.0).core.scale == 2.0
    build(SumOrPixels, EACH_PIXEL, Size(8, 1), scale=2.0)


def test_an_image_model_by_itself_takes_images_alone():
    assert build(Pixels, ONE_ANSWER, Size(8, 1))(pixels=torch.randn(2, 1, 3, 4)).shape == (2, 5)
    with pytest.raises(UserError, match="it supports only tasks with one output per image"):
        build(Pixels, EACH_PIXEL, Size(8, 1))


def test_decay_all_decays_every_parameter():
    groups = build(Lag, TaskSpec(Tokens(20, 12), Classes(3)), Size(8, 1)).param_groups(0.1, decay_all=True)
    assert {group["weight_decay"] for group in groups} == {0.1}
