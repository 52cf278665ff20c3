import math

import pytest
import torch
from archarena.harness import build
from archarena.harness.contract.spec import Regression, Series, Size, TaskSpec
from archarena.harness.errors import UserError
from archarena.models.blocks.time_step import log_steps
from archarena.models.s4d import S4D, SSM_RATE, DiagonalSSM, GatedMap
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


@settings(max_examples=12)
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
    assert slow_parameters(S4D(8, 2, False)) == {"log_dt": SSM_RATE, "A_log": SSM_RATE, "A_imag": SSM_RATE}


def test_steps_can_learn_at_the_full_rate_as_in_the_authors_listops_text_and_retrieval_runs():
    rates = slow_parameters(S4D(8, 2, False, cap_dt=False))
    assert rates == {"log_dt": None, "A_log": SSM_RATE, "A_imag": SSM_RATE}


def slow_parameters(model):
    """Return the maximum learning rate of each undecayed parameter by its last name."""
    rates = {}
    for group in model.param_groups():
        assert group["weight_decay"] == 0
        declared = {id(p) for p in group["params"]}
        names = [name for name, p in model.named_parameters() if id(p) in declared]
        rates.update({name.rsplit(".", 1)[-1]: group.get("max_rate") for name in names})
    return rates


@pytest.mark.parametrize(("n_ssm", "copies"), [(None, 6), (1, 1), (3, 3)])
def test_channels_share_a_given_number_of_state_matrices(n_ssm, copies):
    ssm = DiagonalSSM(6, 4, True, "legs", log_steps(6), n_ssm)
    assert ssm.A_log.shape == ssm.A_imag.shape == (copies, 2)
    with torch.no_grad():
        ssm.A_log += torch.randn(copies, 1)
        ssm.log_dt.zero_()
    decays = ssm.discretised()[0].real
    torch.testing.assert_close(decays, -ssm.A_log.exp()[torch.arange(6) % copies])


def test_an_a_for_some_channels_only_is_refused():
    with pytest.raises(UserError, match=r"must divide the width 8: found 3\."):
        S4D(8, 1, True, n_ssm=3)


def test_dropout_acts_at_s4s_three_places_on_whole_channels_of_a_row():
    close, x = GatedMap(16, 0.5), torch.rand(3, 5, 16) + 1
    inputs = []
    close.dropout.register_forward_hook(lambda module, args, output: inputs.append((args[0], output)))
    y = close.train()(x)
    before, between, after = inputs
    assert before[0] is x
    torch.testing.assert_close(between[0], torch.nn.functional.gelu(before[1]))
    torch.testing.assert_close(after[0], torch.nn.functional.glu(close.linear(between[1])))
    assert after[1] is y
    for whole, kept in inputs:
        scale = kept / whole
        torch.testing.assert_close(scale[whole != 0], scale[whole != 0].round())
        alive = (kept != 0) | (whole == 0)
        assert torch.equal(alive, alive[:, :1].expand_as(alive))
    assert 0 < (before[1] == 0).float().mean() < 1


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
