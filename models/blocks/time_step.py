"""Initial step sizes of discretized state-space models."""

from __future__ import annotations

import math

import torch
from torch import Tensor


def log_steps(count: int, low: float = 1e-3, high: float = 0.1) -> Tensor:
    """Return (count,) logarithms of step sizes that are log-uniform between `low` and `high`."""
    return torch.empty(count).uniform_(math.log(low), math.log(high))


def softplus_steps(count: int, low: float = 1e-3, high: float = 0.1) -> Tensor:
    """Return (count,) biases whose softplus is log-uniform between `low` and `high`, and at least 1e-4."""
    step = log_steps(count, low, high).exp().clamp(min=1e-4)
    return step + torch.log(-torch.expm1(-step))
