import math

import pytest
import torch
from archarena.harness import build
from archarena.harness.contract.spec import Regression, Series, Size, TaskSpec
from archarena.harness.errors import UserError
from archarena.models.blocks.time_step import log_steps
from archarena.models.s4d import S4D, SSM_RATE, DiagonalSSM
from hypothesis import given, settings
from hypothesis import strategies as st

INITS = ["legs", "lin", "inv", "real"]


def make_ssm(init, causal=True, d_state=6):
    return DiagonalSSM(3, d_state, causal, init, log_steps(3)).double()


def impulse(length, at=0):
    x = torch.zeros(1, length, 3, dtype=torch.float64)
    x[:, at] = 1.0
    return x


@pytest.mark.parametrize("init", INITS)
def test_the_kernel_is_the_papers_vandermonde_product(init):
    ssm = make_ssm(init)
    A, C, scale = -ssm.A_log.exp() + 0j, ssm.C[0], 1
    if init != "real":
        A, C, scale = A + 1j * ssm.A_imag, torch.view_as_complex(C), 2
    dt, ticks = ssm.log_dt.exp()[:, None], torch.arange(11)
    weight = C * (torch.exp(dt * A) - 1) / A
    kernel = scale * (weight[..., None] * torch.exp((dt * A)[..., None] * ticks)).sum(1).real
    response = ssm(impulse(11), None)[0].T
    torch.testing.assert_close(response, kernel + ssm.D[:, None] * (ticks == 0))


@settings(deadline=None, max_examples=12)
@given(init=st.sampled_from(INITS), length=st.integers(1, 40), rows=st.integers(1, 3))
def test_the_recurrence_agrees_with_the_convolution(init, length, rows):
    ssm, x = make_ssm(init), torch.randn(rows, length, 3, dtype=torch.float64)
    state, steps = ssm.init_state(rows), []
    for x_t in x.unbind(1):
        y, state = ssm.step(x_t, state)
        steps.append(y)
    torch.testing.assert_close(torch.stack(steps, 1), ssm(x, None))


def test_a_bidirectional_filter_sees_both_sides_with_separate_output_weights():
    ssm = make_ssm("lin", causal=False)
    response = ssm(impulse(9, at=4), None)[0]
    past = ssm(impulse(9), None)[0]
    torch.testing.assert_close(response[4:], past[:5])
    ssm.C.data[0] = ssm.C.data[1]
    torch.testing.assert_close(
        ssm(impulse(9, at=4), None)[0, :4].flip(0), ssm(impulse(9), None)[0, :4] - ssm.D * impulse(9)[0, :4]
    )


def test_time_scales_learn_slowly_and_do_not_decay():
    model = S4D(8, 2, False)
    (group,) = model.param_groups()
    names = {name.rsplit(".", 1)[-1] for name, p in model.named_parameters() if any(p is q for q in group["params"])}
    assert names == {"log_dt", "A_log", "A_imag"}
    assert (group["weight_decay"], group["max_rate"]) == (0.0, SSM_RATE)


def test_a_block_has_the_papers_size_and_first_values():
    model = S4D(400, 1, True, init="lin", dt_min=1e-4)
    block = model.blocks[0]
    assert sum(p.numel() for p in block.parameters()) == 400 * (4 * 32 + 2) + (2 * 400**2 + 2 * 400) + 2 * 400
    steps = block.ssm.log_dt.exp()
    assert 1e-4 <= steps.min() < 1.2e-4
    assert 0.08 < steps.max() <= 0.1
    assert torch.view_as_complex(block.ssm.C).std().item() == pytest.approx(1, rel=0.05)
    torch.testing.assert_close(block.ssm.A_imag[7], math.pi * torch.arange(32.0))


@pytest.mark.parametrize("causal", [True, False])
@pytest.mark.parametrize("prenorm", [True, False])
def test_without_nonlinearity_the_whole_model_is_linear_in_its_input(causal, prenorm):
    spec = TaskSpec(Series(2, 20), Regression(1), causal=causal)
    model = build(S4D, spec, Size(8, 2), nonlinear=False, prenorm=prenorm).double()
    a, b = torch.randn(2, 5, 20, 2, dtype=torch.float64)
    zero = model(values=torch.zeros_like(a))
    sum_of_parts = model(values=a) + 3 * model(values=b) - 3 * zero
    torch.testing.assert_close(model(values=a + 3 * b), sum_of_parts)


def test_a_linear_model_learns_nothing_of_a_signed_area(area_paths):
    paths, areas = area_paths(rows=400, length=20)
    # A path and its mirror image have the same area, while what is linear in them has opposite signs.
    paths, areas = torch.cat([paths, -paths]).double(), torch.cat([areas, areas]).double()
    model = build(S4D, TaskSpec(Series(2, 20), Regression(1)), Size(16, 2), nonlinear=False).double()
    with torch.no_grad():
        features = model.core(model.embedding(values=paths)[0]).mean(1)
    features = torch.cat([features, torch.ones_like(features[:, :1])], 1)
    best = features @ torch.linalg.lstsq(features, areas, driver="gelsd").solution
    torch.testing.assert_close(best, areas.mean().expand_as(best), rtol=0, atol=1e-6)


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"init": "lni"}, "found 'lni'"),
        ({"norm": "group"}, "found 'group'"),
        ({"d_state": 1}, "d_state 1"),
        ({"dt_min": 0.2}, "dt_min 0.2"),
    ],
)
def test_settings_without_sense_are_refused(settings, sentence):
    with pytest.raises(UserError, match=sentence):
        S4D(8, 1, True, **settings)
