"""Properties of every built-in sequence model."""

import pytest
import torch
from archarena.harness.contract.model import SequenceModel
from archarena.models.gateloop import GateLoop
from archarena.models.gla import GLA
from archarena.models.linear_cde import LinearCDE
from archarena.models.mamba import Mamba
from archarena.models.mamba2 import Mamba2
from archarena.models.mega import Mega, MegaChunk
from archarena.models.monet import MONet
from archarena.models.s4d import S4D
from archarena.models.tcnca import TCNCA
from archarena.models.tcnca_simple import TCNCASimple
from archarena.models.transformer import Transformer
from hypothesis import given, settings
from hypothesis import strategies as st

LENGTH, WIDTH = 12, 32
MODELS = {
    "gateloop": lambda causal: GateLoop(WIDTH, 2, causal),
    "gla": lambda causal: GLA(WIDTH, 2, causal),
    "linear-cde": lambda causal: LinearCDE(WIDTH, 2, causal, LENGTH),
    "mamba": lambda causal: Mamba(WIDTH, 2, causal),
    "mamba-complex": lambda causal: Mamba(WIDTH, 2, causal, complex=True),
    "mamba2": lambda causal: Mamba2(WIDTH, 2, causal, d_state=8),
    "mega": lambda causal: Mega(WIDTH, 2, causal, LENGTH, bias="rotary", norm="scale", prenorm=False),
    "mega-chunk": lambda causal: MegaChunk(WIDTH, 2, causal, LENGTH, chunk=5, attention="laplace", truncation=9),
    "monet": lambda causal: MONet(WIDTH, 2, causal, LENGTH),
    "s4d": lambda causal: S4D(WIDTH, 2, causal, d_state=8),
    "tcnca": lambda causal: TCNCA(WIDTH, 2, causal, LENGTH, chunk=5, kernel=3, factor=2),
    "tcnca-simple": lambda causal: TCNCASimple(WIDTH, 2, causal, LENGTH, chunk=5, kernel=3, factor=2),
    "transformer": lambda causal: Transformer(WIDTH, 2, causal),
}

every_model = pytest.mark.parametrize("make", MODELS.values(), ids=MODELS)
both_ways = pytest.mark.parametrize("causal", [True, False], ids=["causal", "bidirectional"])


def inputs(rows=3, length=LENGTH, dtype=torch.float32):
    return torch.randn(rows, length, WIDTH, dtype=dtype)


@every_model
def test_a_causal_model_sees_all_that_came_and_nothing_that_comes(make, signal_paths):
    model = make(True).double()
    paths = signal_paths(model, inputs(1, dtype=torch.float64))
    assert torch.equal(paths, torch.ones(LENGTH, LENGTH, dtype=torch.bool).tril())


@every_model
def test_a_bidirectional_model_joins_both_ends(make, signal_paths):
    model = make(False).double()
    paths = signal_paths(model, inputs(1, dtype=torch.float64))
    assert paths[0, -1]
    assert paths[-1, 0]


@both_ways
@every_model
def test_padding_changes_nothing(make, causal):
    model = make(causal).double().eval()
    x, lengths = inputs(4, dtype=torch.float64), torch.tensor([1, 5, 11, 12])
    whole = model(x, lengths)
    for row, length in zip(range(4), lengths.tolist(), strict=True):
        alone = model(x[row : row + 1, :length])
        torch.testing.assert_close(whole[row, :length], alone[0])


@both_ways
@every_model
def test_padding_gives_no_gradient(make, causal):
    model = make(causal)
    x, lengths = inputs(2).requires_grad_(), torch.tensor([4, 12])
    (model(x, lengths)[0, :4] ** 3).sum().backward()
    assert torch.isfinite(x.grad).all()
    assert not x.grad[0, 4:].any()
    assert not x.grad[1].any()
    assert x.grad[0, :4].any()


@both_ways
@every_model
def test_the_gradient_reaches_every_parameter(make, causal):
    model = make(causal)
    y = model(inputs(4))
    (y * torch.randn_like(y)).sum().backward()
    silent = {name for name, p in model.named_parameters() if p.grad is None or not p.grad.any()}
    assert silent == set(model.dead_parameters())


@both_ways
@every_model
@pytest.mark.parametrize("length", [1, 2, 5, 7, 31])
def test_any_length_gives_finite_values_and_gradients(make, causal, length):
    model = make(causal)
    y = model(inputs(2, length), torch.tensor([1, length]))
    y.square().sum().backward()
    assert torch.isfinite(y).all()
    assert all(torch.isfinite(p.grad).all() for p in model.parameters() if p.grad is not None)


@both_ways
@every_model
def test_the_same_seed_gives_the_same_model(make, causal):
    def outputs():
        torch.manual_seed(3)
        model = make(causal)
        return model(inputs())

    assert torch.equal(outputs(), outputs())


@both_ways
@every_model
def test_mixed_precision_stays_near_full_precision(make, causal):
    model = make(causal).eval()
    x, lengths = inputs(), torch.tensor([3, 12, 7])
    full = model(x, lengths)[1]
    with torch.autocast("cpu", torch.bfloat16):
        mixed = model(x, lengths)[1].float()
    assert (mixed - full).norm() < 0.1 * full.norm()


DECODERS = {
    **{name: make for name, make in MODELS.items() if type(make(True)).step is not SequenceModel.step},
    "mega-batch": lambda causal: Mega(WIDTH, 2, causal, LENGTH, attention="relu2", norm="batch", truncation=3),
    "transformer-without-conv": lambda causal: Transformer(WIDTH, 2, causal, short_conv=0),
}


@pytest.mark.parametrize("make", DECODERS.values(), ids=DECODERS)
@settings(max_examples=8)
@given(length=st.integers(1, 2 * LENGTH), rows=st.integers(1, 3))
def test_one_position_at_a_time_gives_what_the_whole_sequence_gives(make, length, rows):
    model = make(True).double().eval()
    x = inputs(rows, length, torch.float64)
    state, steps = model.init_state(rows), []
    with torch.no_grad():
        for t in range(length):
            y, state = model.step(x[:, t], state)
            steps.append(y)
        torch.testing.assert_close(torch.stack(steps, 1), model(x))
