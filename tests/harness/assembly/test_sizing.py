import pytest
import torch
from archarena.harness import Classes, Image, NextToken, SequenceModel, Series, Size, TaskSpec, Tokens, UserError, build
from archarena.harness.assembly.sizing import count_body, fit_width
from archarena.harness.contract.registry import discover
from archarena.harness.planning.tier import get_tier
from torch import nn

SPEC = TaskSpec(Tokens(100, 32), Classes(4))


class Layers(SequenceModel):
    def __init__(self, width, depth, *, hidden: int | None = None):
        super().__init__()
        inner = hidden or 2 * width
        self.layers = nn.ModuleList(
            nn.Sequential(nn.Linear(width, inner), nn.GELU(), nn.Linear(inner, width)) for _ in range(depth)
        )

    def forward(self, x, lengths=None):
        for layer in self.layers:
            x = x + layer(x)
        return x


class Coarse(Layers):
    width_multiple = 64


class CoarseWithSlack(Coarse):
    slack = "hidden"


@pytest.mark.parametrize("budget", [12_000, 64_000, 1_000_000, 4_000_000])
@pytest.mark.parametrize("depth", [1, 2, 6])
def test_the_body_is_within_five_percent_of_the_budget(budget, depth):
    fit = fit_width(Layers, SPEC, depth, budget, {})
    built = build(Layers, SPEC, Size(fit.width, depth)) if budget < 100_000 else None
    assert abs(fit.body / budget - 1) <= 0.05
    assert fit.deviation == pytest.approx(fit.body / budget - 1)
    assert fit.slack == {}
    assert built is None or sum(p.numel() for p in built.core.parameters()) == fit.body


def test_the_width_found_is_the_nearest_one():
    fit = fit_width(Layers, SPEC, 2, 64_000, {})
    for other in (fit.width - 1, fit.width + 1):
        assert abs(count_body(Layers, SPEC, Size(other, 2), {}) - 64_000) >= abs(fit.body - 64_000)


def test_the_vocabulary_does_not_count():
    large = TaskSpec(Tokens(50_000, 32), NextToken(50_000), causal=True)
    assert fit_width(Layers, large, 2, 64_000, {}).width == fit_width(Layers, SPEC, 2, 64_000, {}).width


def test_the_width_is_a_multiple_and_the_deviation_is_told():
    fit = fit_width(Coarse, SPEC, 2, 64_000, {})
    assert fit.width % 64 == 0
    assert abs(fit.deviation) > 0.05
    assert not fit.fair


def test_slack_takes_up_what_a_coarse_width_leaves():
    fit = fit_width(CoarseWithSlack, SPEC, 2, 64_000, {})
    assert fit.width % 64 == 0
    assert fit.slack["hidden"] > 0
    assert fit.fair
    assert count_body(CoarseWithSlack, SPEC, Size(fit.width, 2), fit.slack) == fit.body


def test_slack_is_left_alone_where_the_width_alone_is_fair():
    assert fit_width(CoarseWithSlack, SPEC, 2, count_body(Coarse, SPEC, Size(128, 2), {}), {}).slack == {}


def test_a_hyperparameter_the_user_set_is_never_overridden():
    fit = fit_width(CoarseWithSlack, SPEC, 2, 64_000, {"hidden": 100})
    assert fit.slack == {}
    assert fit.body == count_body(CoarseWithSlack, SPEC, Size(fit.width, 2), {"hidden": 100})


def test_a_body_that_cannot_shrink_or_grow_ends_the_search():
    class Fixed(SequenceModel):
        def __init__(self):
            super().__init__()
            self.scale = nn.Parameter(torch.ones(1000))

    assert fit_width(Fixed, SPEC, 2, 100, {}).deviation == pytest.approx(9.0)
    assert fit_width(Fixed, SPEC, 2, 1_000_000, {}).deviation == pytest.approx(-0.999)


def test_a_body_outside_the_tolerance_is_refused_with_the_numbers():
    class IgnoresWidth(SequenceModel):
        def __init__(self, width):
            super().__init__()
            self.first, self.last = nn.Linear(width, 256), nn.Linear(256, width)
            self.core = nn.GRU(256, 256)

    refused = fit_width(IgnoresWidth, SPEC, 2, 12_000, {})
    assert refused.refusal.startswith(
        "The body has 395,521 parameters at width 1, the nearest to the 12,000 of the tier: +3,196.0 %, but at most 5 %"
    )
    assert fit_width(Layers, SPEC, 2, 64_000, {}).refusal == ""

    class Declared(IgnoresWidth):
        fixed_width = 24

    fit = fit_width(Declared, SPEC, 2, 12_000, {})
    assert (fit.width, fit.fixed, fit.refusal) == (24, True, "")
    assert fit.deviation > 30


@pytest.mark.parametrize("inputs", [Image(1, 32, 32), Image(3, 32, 32), Series(1, 1024)], ids=str)
@pytest.mark.parametrize("model", ["finalmlp", "finalnet", "pi-net", "mlp", "dcnv2"])
def test_field_models_have_the_size_of_quick_on_all_numbers_of_an_image(model, inputs):
    cls = discover().find("model", model).load()
    fit = fit_width(cls, TaskSpec(inputs, Classes(10)), 2, get_tier("quick").body_parameters, {})
    assert fit.refusal == ""


def test_a_body_that_grows_only_at_large_widths_is_fitted():
    class Late(SequenceModel):
        def __init__(self, width):
            super().__init__()
            hidden = max(16, width)
            self.layer = nn.Linear(hidden, hidden)

    assert fit_width(Late, SPEC, 2, 12_000, {}).fair


def test_nothing_is_allocated_on_the_way():
    assert fit_width(Layers, SPEC, 1, 4_000_000_000, {}).fair


def test_a_model_that_reads_tensor_values_in_init_is_told():
    class Reading(SequenceModel):
        def __init__(self, width):
            super().__init__()
            self.sizes = torch.arange(width).sum().item()

    with pytest.raises(UserError, match=r"'Reading' cannot be built at width 1 and depth 2 on torch's meta device"):
        fit_width(Reading, SPEC, 2, 64_000, {})


def test_a_fit_is_found_once():
    class Counting(Layers):
        built = 0

        def __init__(self, width, depth):
            Counting.built += 1
            super().__init__(width, depth)

    first = fit_width(Counting, SPEC, 2, 64_000, {})
    built = Counting.built
    assert fit_width(Counting, SPEC, 2, 64_000, {}) == first
    assert Counting.built == built
