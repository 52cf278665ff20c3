"""Sums of exponential moving averages, as a recurrence and as a convolution by Fourier transform."""

from .cost import cost
from .fourier_form import ema_fft
from .operation import ema

__all__ = ["cost", "ema", "ema_fft"]
