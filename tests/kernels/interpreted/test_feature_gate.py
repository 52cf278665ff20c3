"""The Triton kernels of the gate against their reference in float64."""

from __future__ import annotations

from functools import partial

import pytest
import torch
from archarena.kernels import paths_taken
from archarena.kernels.feature_gate import cost, feature_gate, operation, triton_backward
from archarena.kernels.feature_gate.reference import reference
from archarena.kernels.paths import path
from torch.utils.flop_counter import FlopCounterMode

EACH_KIND = pytest.mark.parametrize("one_row", [True, False], ids=["one row of scores", "one row of scores per row"])


@pytest.fixture
def operands(operands_of):
    return partial(operands_of, "test_feature_gate")


@EACH_KIND
@pytest.mark.parametrize(("batch", "n"), [(1, 1), (7, 100), (9, 128), (40, 130)])
def test_agrees_with_the_loop_in_float64(operands, assert_agrees, batch, n, one_row):
    assert_agrees(feature_gate, reference, operands(batch, n, one_row))
    assert "triton" in paths_taken()["feature_gate"]


def test_programs_that_walk_several_tiles_of_rows(operands, assert_agrees, monkeypatch):
    monkeypatch.setattr(triton_backward, "PROGRAMS", 2)
    assert_agrees(feature_gate, reference, operands(49, 100, True))


def test_scores_far_from_zero(operands, assert_agrees):
    entries, scores = operands(3, 8, False)
    assert_agrees(feature_gate, reference, (entries, 30 * scores))


@EACH_KIND
@pytest.mark.parametrize("halves", [(True, True), (False, True)], ids=["both", "only scores, as under autocast"])
def test_half_precision_is_read_and_written_as_torch_would(operands, one_row, halves):
    """The interpreter truncates and a GPU rounds, hence two units in the last place."""
    given = [x.bfloat16() if half else x for x, half in zip(operands(9, 20, one_row), halves, strict=True)]
    (y, *found), (exact, *expected) = (
        (out := feature_gate(*leaves), *torch.autograd.grad(out.float().sum(), leaves))
        for leaves in ([x.requires_grad_() for x in rows] for rows in (given, [x.float().detach() for x in given]))
    )
    assert [x.dtype for x in (y, *found)] == [given[0].dtype, *(x.dtype for x in given)]
    for a, b in zip((y, *found), (exact, *expected), strict=True):
        torch.testing.assert_close(a.float(), b, rtol=2 * 2**-8, atol=1e-5)


def test_float64_stays_with_torch(operands):
    entries, scores = operands(3, 8, False)
    assert path("feature_gate", entries, scores) == "triton"
    for given in ((entries.double(), scores), (entries, scores.double())):
        assert path("feature_gate", *given) == "torch"


@EACH_KIND
def test_the_same_bits_twice_and_nothing_written_past_the_end(operands, guarded, one_row):
    given = [x.requires_grad_() for x in operands(19, 100, one_row)]

    def run():
        y = feature_gate(*given)
        return (y, *torch.autograd.grad(y.sum(), given))

    with guarded() as rooms:
        found = run()
    assert len(rooms) > 3
    assert all(map(torch.equal, found, run()))


def test_rows_are_read_in_place(operands):
    entries, scores = operands(9, 20, False)
    wide = torch.cat((entries, scores), 1)
    assert torch.equal(feature_gate(*wide.split(20, 1)), feature_gate(entries, scores))


def test_registration(operands):
    tests = ("test_schema", "test_autograd_registration", "test_faketensor")
    for one_row in (True, False):
        given = [x.requires_grad_() for x in operands(3, 5, one_row)]
        torch.library.opcheck(operation.gate, tuple(given), test_utils=tests)


def test_vmap(operands):
    a, b = operands(3, 5, False)
    mapped = torch.vmap(lambda a: feature_gate(a, b))(torch.stack((a, -a)))
    assert torch.equal(mapped, torch.stack((feature_gate(a, b), feature_gate(-a, b))))


@EACH_KIND
def test_the_flop_counter_sees_both_passes(operands, one_row):
    given = [x.requires_grad_() for x in operands(4, 6, one_row)]
    with FlopCounterMode(display=False) as counter:
        feature_gate(*given).sum().backward()
    rows = 1 if one_row else 4
    assert counter.get_total_flops() == sum(cost(4, 6, rows=rows, backward=x).flops for x in (False, True))
