"""What holds for every built-in sequence model."""

import pytest
import torch
from archarena.models.mamba import Mamba
from archarena.models.monet import MONet
from archarena.models.tcnca import TCNCA
from archarena.models.transformer import Transformer

LENGTH = 12
MODELS = {
    "mamba": lambda causal: Mamba(16, 2, causal),
    "monet": lambda causal: MONet(32, 2, causal, LENGTH),
    "tcnca": lambda causal: TCNCA(16, 2, causal, LENGTH, chunk=5, kernel=3, factor=2),
    "tcnca-laplace": lambda causal: TCNCA(16, 2, causal, LENGTH, chunk=5, attention="laplace"),
    "transformer": lambda causal: Transformer(16, 2, causal),
}

every_model = pytest.mark.parametrize("make", MODELS.values(), ids=MODELS)
both_ways = pytest.mark.parametrize("causal", [True, False], ids=["causal", "two-sided"])


def inputs(rows=3, length=LENGTH, width=None, model=None):
    width = width or next(m.normalized_shape[0] for m in model.modules() if hasattr(m, "normalized_shape"))
    return torch.randn(rows, length, width, dtype=next(model.parameters()).dtype)


@every_model
def test_a_causal_model_sees_all_that_came_and_nothing_that_comes(make, signal_paths):
    model = make(True).double()
    paths = signal_paths(model, inputs(1, model=model))
    assert torch.equal(paths, torch.ones(LENGTH, LENGTH, dtype=torch.bool).tril())


@every_model
def test_a_two_sided_model_joins_both_ends(make, signal_paths):
    model = make(False).double()
    paths = signal_paths(model, inputs(1, model=model))
    assert paths[0, -1]
    assert paths[-1, 0]


@both_ways
@every_model
def test_padding_changes_nothing(make, causal):
    model = make(causal).double().eval()
    x, lengths = inputs(4, model=model), torch.tensor([1, 5, 11, 12])
    whole = model(x, lengths)
    for row, length in zip(range(4), lengths.tolist(), strict=True):
        alone = model(x[row : row + 1, :length])
        torch.testing.assert_close(whole[row, :length], alone[0])


@both_ways
@every_model
def test_padding_gives_no_gradient(make, causal):
    model = make(causal)
    x, lengths = inputs(2, model=model).requires_grad_(), torch.tensor([4, 12])
    (model(x, lengths)[0, :4] ** 3).sum().backward()
    assert torch.isfinite(x.grad).all()
    assert not x.grad[0, 4:].any()
    assert not x.grad[1].any()
    assert x.grad[0, :4].any()


@both_ways
@every_model
def test_the_gradient_reaches_every_parameter(make, causal):
    model = make(causal)
    y = model(inputs(4, model=model))
    (y * torch.randn_like(y)).sum().backward()
    silent = {name for name, p in model.named_parameters() if p.grad is None or not p.grad.any()}
    assert silent == set(model.dead_parameters())


@both_ways
@every_model
@pytest.mark.parametrize("length", [1, 2, 5, 7, 31])
def test_any_length_gives_finite_values_and_gradients(make, causal, length):
    model = make(causal)
    y = model(inputs(2, length, model=model), torch.tensor([1, length]))
    y.square().sum().backward()
    assert torch.isfinite(y).all()
    assert all(torch.isfinite(p.grad).all() for p in model.parameters() if p.grad is not None)


@both_ways
@every_model
def test_the_same_seed_gives_the_same_model(make, causal):
    def outputs():
        torch.manual_seed(3)
        model = make(causal)
        return model(inputs(model=model))

    assert torch.equal(outputs(), outputs())


@both_ways
@every_model
def test_mixed_precision_stays_near_full_precision(make, causal):
    model = make(causal).eval()
    x, lengths = inputs(model=model), torch.tensor([3, 12, 7])
    full = model(x, lengths)[1]
    with torch.autocast("cpu", torch.bfloat16):
        mixed = model(x, lengths)[1].float()
    assert (mixed - full).norm() < 0.1 * full.norm()
