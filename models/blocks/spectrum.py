"""Initial values of a diagonal state matrix (Gu et al., S4D, arXiv:2206.11893, section 4)."""

from __future__ import annotations

import math
from typing import Literal

import numpy as np
import torch
from torch import Tensor

Spectrum = Literal["legs", "lin", "inv", "real"]

LEGS_CLIP = 2.0
"""Limit of the imaginary part of HiPPO-LegS's input weights in the S4 repository."""


def spectrum(init: Spectrum, d_state: int) -> tuple[Tensor, Tensor | None]:
    """Return decays and frequencies of the modes of ``A = -decay + i frequency``.

    Parameters
    ----------
    init
        "lin" is 1/2 and pi n; "inv" is 1/2 and N/pi (N/(2n + 1) - 1); "legs" is 1/2 and the
        spectrum of the normal part of HiPPO-LegS; "real" is n + 1, without frequencies.
    d_state
        Real numbers in the state (N); a complex mode, together with its conjugate, takes two.

    Returns
    -------
    Tensor
        Decays (modes,), for N / 2 complex or N real modes.
    Tensor or None
        Frequencies (modes,), or None if the modes are real.
    """
    if init == "real":
        return torch.arange(1.0, d_state + 1), None
    n = torch.arange(d_state // 2, dtype=torch.get_default_dtype())
    match init:
        case "lin":
            frequency = math.pi * n
        case "inv":
            frequency = d_state / math.pi * (d_state / (2 * n + 1) - 1)
        case "legs":
            frequency = torch.tensor(legs_modes(d_state)[0], dtype=n.dtype, device=n.device)
    return torch.full_like(n, 0.5), frequency


def legs_modes(d_state: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the positive frequencies of HiPPO-LegS's normal part, and the input's weight on each mode.

    The S4 repository limits the imaginary part of the input's weights B to `LEGS_CLIP`, with the modes
    rotated so that their first entry is real. Only the magnitude of B is returned, as C's phase is random.
    """
    size = np.sqrt(1 + 2 * np.arange(d_state))
    skew = np.tril(np.outer(size, size), -1) / 2
    # HiPPO's A plus a rank-one matrix is -1/2 plus a real skew part with eigenvalues in pairs +-i w.
    values, vectors = np.linalg.eigh(1j * (skew.T - skew))
    vectors = vectors * np.exp(-1j * np.angle(vectors[0]))
    inputs = vectors.conj().T @ size
    clipped = np.hypot(inputs.real, np.clip(inputs.imag, -LEGS_CLIP, LEGS_CLIP))
    positive = slice(d_state - d_state // 2, None)
    return values[positive], clipped[positive]
