"""The moving averages as MEGA computes them: a kernel as long as the sequence, applied by Fourier transform."""

from __future__ import annotations

import torch
from torch import Tensor

from ..precision import accumulator


def ema_fft(x: Tensor, decay: Tensor, weight: Tensor, *, reverse: bool = False, reach: int | None = None) -> Tensor:
    """Return the result of `ema`, computed with the Fourier transform.

    The form of MEGA (arXiv:2209.10655, section 3.1 and its official code): the powers of all decays are summed into one
    kernel per channel, which a circular convolution of twice the length applies. Its work per channel is
    O(length (log length + n)) and its memory (channels, n, reach); the recurrence of `ema` needs neither
    the logarithm nor this memory.

    Parameters
    ----------
    x, decay, weight, reverse
        As in `ema`.
    reach
        Number of positions after which the kernel is cut off; the whole length by default.

    Returns
    -------
    Tensor
        (batch, length, channels) in the dtype of `x`. Each output has a rounding error proportional to the largest
        output, so a later position changes an earlier one by about 1e-7 of it.
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
