"""The Triton kernels of the linear recurrence against its reference."""

from __future__ import annotations

from functools import partial

import pytest
import torch
from archarena.kernels import paths_taken
from archarena.kernels.linear_recurrence import linear_recurrence
from archarena.kernels.linear_recurrence.reference import reference


@pytest.mark.parametrize("length", [1, 7, 33])
@pytest.mark.parametrize(
    ("dtype", "reverse"), [(torch.float32, False), (torch.float32, True), (torch.complex64, False)]
)
@pytest.mark.usefixtures("short_segments")
def test_agrees_with_the_loop_in_float64(operands_of, assert_agrees, length, dtype, reverse):
    given = operands_of("test_linear_recurrence", 1, length, 33, dtype=dtype)
    fast, slow = (partial(run, reverse=reverse) for run in (linear_recurrence, reference))
    assert_agrees(fast, slow, given[: 2 if length == 7 else 3])
    assert "triton" in paths_taken()["linear_recurrence"]
