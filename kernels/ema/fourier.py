"""The moving averages as MEGA computes them: a kernel as long as the sequence, convolved by Fourier transform."""

from __future__ import annotations

import torch
from torch import Tensor

from ..precision import accumulator


def ema_fft(x: Tensor, decay: Tensor, weight: Tensor, *, reverse: bool = False, reach: int | None = None) -> Tensor:
    """Return what `ema` returns, from a zero state, through the Fourier transform.

    The form of MEGA (arXiv:2209.10655, section 3.1 and its official code): the powers of all decays, summed into one
    kernel a channel, and a circular convolution of twice the length. Its work is O(length (log length + n)) a channel,
    and its memory (channels, n, reach), where the recurrence of `ema` needs neither.

    Parameters
    ----------
    x, decay, weight, reverse
        As in `ema`.
    reach
        Positions the kernel is cut off after; the whole length by default.

    Returns
    -------
    Tensor
        (batch, length, channels) in the dtype of `x`. Each output carries a rounding error of the size of the largest,
        so that a later position reaches an earlier one by about 1e-7 of it.
    """
    length, precision = x.shape[1], accumulator(x.dtype)
    kernel = power_sum(decay.to(precision), weight.to(precision), min(reach or length, length))
    spectrum = torch.fft.rfft(kernel, 2 * length, dim=-1).mT
    spectrum = spectrum.conj() if reverse else spectrum
    convolved = torch.fft.irfft(torch.fft.rfft(x.to(precision), 2 * length, dim=1) * spectrum, 2 * length, dim=1)
    return convolved[:, :length].to(x.dtype)


def power_sum(decay: Tensor, weight: Tensor, length: int) -> Tensor:
    """Return the sums of ``weight decay^l`` over the averages, (channels, length)."""
    return torch.einsum("cn,cnl->cl", weight, decay[..., None] ** torch.arange(length, device=decay.device))
