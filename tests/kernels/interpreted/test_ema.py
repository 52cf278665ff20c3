"""The Triton kernels of the moving averages against their reference."""

from __future__ import annotations

from functools import partial

import pytest
from archarena.kernels import paths_taken
from archarena.kernels.ema import ema, triton_forward
from archarena.kernels.ema.reference import reference


@pytest.mark.parametrize("length", [1, 7, 17])
@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.usefixtures("short_segments")
def test_agrees_with_the_loop_in_float64(operands_of, monkeypatch, assert_agrees, length, reverse):
    monkeypatch.setattr(triton_forward, "SHORTEST", 8)
    fast, slow = (partial(run, reverse=reverse) for run in (ema, reference))
    assert_agrees(fast, slow, operands_of("test_ema", 1, length, 33, 3))
    assert paths_taken()["ema"] == ["triton"]


def test_programs_of_twice_the_channels(operands_of, assert_agrees):
    assert_agrees(ema, reference, operands_of("test_ema", 1, 9, 80, 3))
