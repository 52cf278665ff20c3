from __future__ import annotations

import pytest
import torch
from archarena.kernels.chunked_attention import chunked_attention, cost, laplace
from archarena.kernels.chunked_attention.reference import reference
from torch.utils.flop_counter import FlopCounterMode

WEIGHTINGS = ("softmax", "laplace", "relu2")


def operands(batch=2, length=10, shared=3, value=5, chunk=4, *, dtype=torch.float32):
    generator = torch.Generator().manual_seed(0)
    shapes = ((batch, length, shared), (batch, length, shared), (batch, length, value), (chunk, chunk))
    return [torch.randn(*shape, generator=generator, dtype=torch.float64).to(dtype) for shape in shapes]


def with_gradients(attend, given, seen=slice(None), **options):
    """Return the outputs at the positions `seen`, and the gradients of their weighted sum."""
    given = [x.detach().requires_grad_() for x in given]
    y = attend(*given, **options)[:, seen]
    weights = torch.randn(y.shape, generator=torch.Generator().manual_seed(1), dtype=torch.float64).to(y.dtype)
    return [y.detach(), *torch.autograd.grad((y * weights).sum(), given)]


@pytest.mark.parametrize("weighting", WEIGHTINGS)
@pytest.mark.parametrize("causal", [True, False])
@pytest.mark.parametrize(("length", "held"), [(8, 8), (10, 10), (10, 5), (3, 3), (1, 1)])
def test_agrees_with_the_loop_over_queries(weighting, causal, length, held):
    options = {"chunk": 4, "causal": causal, "weighting": weighting}
    options["valid"] = (torch.arange(length) < held).expand(2, -1) if held < length else None
    given, seen = operands(length=length), slice(held)
    found = with_gradients(chunked_attention, given, seen, **options)
    expected = with_gradients(reference, [x.double() for x in given], seen, **options)
    for a, b in zip(found, expected, strict=True):
        torch.testing.assert_close(a.double(), b, rtol=1e-5, atol=2e-6)


@pytest.mark.parametrize("weighting", WEIGHTINGS)
def test_a_chunk_without_any_key_is_finite(weighting):
    valid = torch.tensor([[True] * 4 + [False] * 6]).expand(2, -1)
    for x in with_gradients(chunked_attention, operands(), chunk=4, causal=False, weighting=weighting, valid=valid):
        assert x.isfinite().all()


def test_a_missing_bias_is_zero():
    q, k, v, bias = operands()
    without = chunked_attention(q, k, v, chunk=4, causal=True)
    torch.testing.assert_close(without, chunked_attention(q, k, v, torch.zeros_like(bias), chunk=4, causal=True))


@pytest.mark.parametrize("weighting", WEIGHTINGS)
def test_half_precision_stays_close_and_keeps_its_dtype(weighting):
    given = operands(dtype=torch.bfloat16)
    y = chunked_attention(*given, chunk=4, causal=True, weighting=weighting)
    exact = chunked_attention(*(x.float() for x in given), chunk=4, causal=True, weighting=weighting)
    assert y.dtype == torch.bfloat16
    torch.testing.assert_close(y.float(), exact, rtol=0.05, atol=0.05)


def test_composes_with_torch_compile_and_vmap():
    q, k, v, bias = operands()

    def attend(q):
        return chunked_attention(q, k, v, bias, chunk=4, causal=True)

    assert torch.equal(torch.compile(attend, backend="aot_eager", fullgraph=True)(q), attend(q))
    torch.testing.assert_close(torch.vmap(attend)(torch.stack((q, -q)))[1], attend(-q))


def test_the_flop_counter_sees_the_products():
    given = operands(2, 16, 4, 8, 4)
    with FlopCounterMode(display=False) as counter:
        chunked_attention(*given, chunk=4, causal=False)
    assert counter.get_total_flops() == cost(2, 16, 4, 8, 4).flops


def test_laplace_is_a_smooth_step_with_values_between_zero_and_one():
    x = torch.tensor([-3.0, 0.5**0.5, 3.0])
    torch.testing.assert_close(laplace(x), torch.tensor([0.0, 0.5, 1.0]))


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"weighting": "relu"}, "unknown weighting 'relu'"),
        ({"chunk": 5}, r"a bias of their size: found \(4, 4\)"),
        ({"chunk": 0}, "at least one"),
    ],
)
def test_operands_that_do_not_match_are_refused(changed, message):
    with pytest.raises(ValueError, match=message):
        chunked_attention(*operands(), **{"chunk": 4, "causal": True, **changed})
