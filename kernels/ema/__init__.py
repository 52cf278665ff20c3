"""Sums of exponential moving averages, as a recurrence and as a convolution by Fourier transform."""

from .fourier_form import ema_fft
from .operation import cost, ema

__all__ = ["cost", "ema", "ema_fft"]
