import math

import numpy as np
import pytest
import torch
from archarena.models.blocks.spectrum import legs_modes, spectrum


def test_legs_modes_are_those_of_hippo_with_its_rank_one_part_taken_off():
    n = np.arange(8)
    hippo = -np.tril(np.sqrt(np.outer(2 * n + 1, 2 * n + 1)), -1) - np.diag(n + 1.0)
    normal = hippo + np.outer(np.sqrt(n + 0.5), np.sqrt(n + 0.5))
    eigenvalues = np.linalg.eigvals(normal)
    np.testing.assert_allclose(eigenvalues.real, -0.5, atol=1e-12)
    np.testing.assert_allclose(legs_modes(8)[0], np.sort(eigenvalues.imag)[4:], atol=1e-9)


@pytest.mark.parametrize(
    ("d_state", "weights"),
    [
        (4, [0.9669, 2.0205]),
        (16, [0.7050, 0.8971, 1.0754, 1.2936, 1.6113, 2.0015, 2.0012, 2.0010]),
    ],
)
def test_legs_input_weights_are_clipped_as_by_the_authors(d_state, weights):
    # abs(B) from nplr("legs", d_state) in state-spaces/s4@e757cef:src/models/hippo/hippo.py; unclipped, the
    # last weights are 2.6580 and 10.2183.
    np.testing.assert_allclose(legs_modes(d_state)[1], weights, atol=1e-4)


def test_lin_inv_and_real_are_the_published_formulas():
    decay, frequency = spectrum("lin", 6)
    torch.testing.assert_close(frequency, math.pi * torch.arange(3.0))
    torch.testing.assert_close(decay, torch.full((3,), 0.5))
    torch.testing.assert_close(spectrum("inv", 4)[1], torch.tensor([12 / math.pi, (4 / 3 - 1) * 4 / math.pi]))
    decay, frequency = spectrum("real", 3)
    assert frequency is None
    torch.testing.assert_close(decay, torch.tensor([1.0, 2.0, 3.0]))


def test_inv_comes_near_legs():
    legs, inv = spectrum("legs", 64)[1].sort().values, spectrum("inv", 64)[1].sort().values
    assert (legs / inv - 1).abs().max() < 0.3
    assert abs(legs[-1] / inv[-1] - 1) < 0.02
