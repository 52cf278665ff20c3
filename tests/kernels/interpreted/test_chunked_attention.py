"""The Triton kernels of attention in chunks against their reference in float64."""

from __future__ import annotations

from functools import partial

import pytest
import torch
from archarena.kernels import paths_taken
from archarena.kernels.chunked_attention import (
    chunked_attention,
    cost,
    operation,
    torch_form,
    triton_backward,
    triton_forward,
)
from archarena.kernels.chunked_attention.reference import reference
from archarena.kernels.paths import path
from torch.utils.flop_counter import FlopCounterMode

SCATTERED = torch.tensor([[True] * 9 + [False] * 8 + [True, False] * 3])


@pytest.fixture(autouse=True)
def small_tiles(monkeypatch):
    """Two tiles of a chunk of 20 positions, two of 17 or 18 channels."""
    monkeypatch.setattr(triton_forward, "LARGEST", 16)
    monkeypatch.setitem(triton_forward.WIDEST, "tf32x3", 16)


@pytest.fixture
def operands(operands_of):
    return partial(operands_of, "test_chunked_attention", 1, shared=17, value=18)


@pytest.mark.parametrize(
    ("length", "chunk", "weighting", "causal", "valid"),
    [
        (21, 20, "laplace", True, None),
        (21, 20, "relu2", False, None),
        (23, 20, "laplace", True, SCATTERED),
        (23, 20, "relu2", False, SCATTERED),
        (7, 20, "relu2", True, None),
        (8, 4, "laplace", False, None),
        (1, 4, "laplace", False, None),
    ],
)
def test_agrees_with_the_loop_in_float64(operands, assert_agrees, length, chunk, weighting, causal, valid):
    options = {"chunk": chunk, "causal": causal, "weighting": weighting, "valid": valid}
    given = operands(length=length, chunk=chunk + 3)  # the bias is larger than a chunk
    assert_agrees(partial(chunked_attention, **options), partial(reference, **options), given)
    assert "triton" in paths_taken()["chunked_attention"]


def test_without_a_bias(operands, assert_agrees):
    options = {"chunk": 8, "causal": True, "weighting": "laplace"}
    assert_agrees(partial(chunked_attention, **options), partial(reference, **options), operands(length=9)[:3])


def test_parts_of_the_gradient_by_the_bias_that_hold_several_chunks(operands, assert_agrees, monkeypatch):
    monkeypatch.setattr(triton_backward, "PARTS_ENTRIES", 2 * 16)
    options = {"chunk": 4, "causal": True, "weighting": "relu2"}
    assert_agrees(partial(chunked_attention, **options), partial(reference, **options), operands(length=18))


def test_half_precision_mixes_with_float32(operands):
    """As under autocast. The interpreter truncates and a GPU rounds, hence two units in the last place."""
    q, k, v, bias = operands(length=7)
    given = [q.bfloat16(), k, v.bfloat16(), bias]
    (y, *found), (exact, *expected) = (
        (
            out := chunked_attention(*leaves, chunk=4, causal=True, weighting="laplace"),
            *torch.autograd.grad(out.float().sum(), leaves),
        )
        for leaves in ([x.requires_grad_() for x in rows] for rows in (given, [x.float().detach() for x in given]))
    )
    assert [x.dtype for x in (y, *found)] == [torch.bfloat16, *(x.dtype for x in given)]
    for a, b in zip((y, *found), (exact, *expected), strict=True):
        torch.testing.assert_close(a.float(), b, rtol=2 * 2**-8, atol=1e-4)


def test_a_chunk_without_any_key_gives_zeros(operands):
    seen = torch.tensor([[True] * 4 + [False] * 4])
    y = chunked_attention(*operands(length=8), chunk=4, causal=False, weighting="laplace", valid=seen)
    assert not y[:, 4:].any()


def test_softmax_and_float64_stay_with_torch(operands):
    q = operands()[0]
    assert path("chunked_attention", q) == "triton"
    assert path("chunked_attention", q.double()) == "torch"
    softmax = partial(chunked_attention, q, q, q, chunk=4, causal=True)
    assert torch.equal(softmax(), torch_form.forward(operation.Operands(q, q, q, None, None, 4, True, "softmax")))


def test_rows_are_read_in_place(operands):
    q, k, v, bias = operands(length=7)
    attend = partial(chunked_attention, bias=bias, chunk=4, causal=True, weighting="relu2")
    assert torch.equal(attend(*torch.cat((q, k, v), 2).split((17, 17, 18), 2)), attend(q, k, v))


def test_the_same_bits_twice_and_nothing_written_past_the_end(operands, guarded):
    given = [x.requires_grad_() for x in operands(length=7)]

    def run():
        y = chunked_attention(*given, chunk=4, causal=True, weighting="laplace")
        return (y, *torch.autograd.grad(y.sum(), given))

    with guarded() as rooms:
        found = run()
    assert len(rooms) > 5
    assert all(map(torch.equal, found, run()))


def test_registration(operands):
    given = [x.requires_grad_() for x in operands(length=5)]
    valid = torch.tensor([[True, False, True, True, False]])
    tests = ("test_schema", "test_autograd_registration", "test_faketensor")
    torch.library.opcheck(operation.attend, (*given, valid, 4, True, "laplace"), test_utils=tests)
    torch.library.opcheck(operation.attend, (*given[:3], None, None, 4, False, "relu2"), test_utils=tests)


def test_vmap(operands):
    q, *rest = operands(length=5)
    attend = partial(chunked_attention, chunk=4, causal=True, weighting="relu2")
    mapped = torch.vmap(lambda q: attend(q, *rest))(torch.stack((q, -q)))
    assert torch.equal(mapped, torch.stack((attend(q, *rest), attend(-q, *rest))))


def test_the_flop_counter_sees_both_passes(operands):
    given = [x.requires_grad_() for x in operands(length=8)]
    with FlopCounterMode(display=False) as counter:
        chunked_attention(*given, chunk=4, causal=True, weighting="relu2").sum().backward()
    assert counter.get_total_flops() == sum(cost(1, 8, 17, 18, 4, backward=x).flops for x in (False, True))


def test_shapes_that_do_not_match_are_refused(operands):
    q, k, v, _ = operands(length=5)
    with pytest.raises(ValueError, match="k has shape"):
        chunked_attention(q, k[:, :4], v, chunk=4, causal=True, weighting="relu2")
