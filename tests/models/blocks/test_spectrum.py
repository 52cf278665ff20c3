import math

import numpy as np
import torch
from archarena.models.blocks.spectrum import legs_modes, spectrum


def test_legs_modes_are_those_of_hippo_with_its_rank_one_part_taken_off():
    n = np.arange(8)
    hippo = -np.tril(np.sqrt(np.outer(2 * n + 1, 2 * n + 1)), -1) - np.diag(n + 1.0)
    normal = hippo + np.outer(np.sqrt(n + 0.5), np.sqrt(n + 0.5))
    eigenvalues = np.linalg.eigvals(normal)
    np.testing.assert_allclose(eigenvalues.real, -0.5, atol=1e-12)
    frequencies, weights = legs_modes(8)
    np.testing.assert_allclose(frequencies, np.sort(eigenvalues.imag)[4:], atol=1e-9)
    # The input vector keeps its length in the basis of modes, half of it in their conjugates.
    np.testing.assert_allclose(2 * (weights**2).sum(), (2 * n + 1).sum())


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
