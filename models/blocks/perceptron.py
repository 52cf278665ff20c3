"""The hidden layers of models over fields."""

from __future__ import annotations

from collections.abc import Sequence

from torch import nn


def hidden_layers(inputs: int, units: Sequence[int], *, dropout: float = 0.0, batch_norm: bool = True) -> nn.Sequential:
    """Return layers of Linear, batch norm, ReLU and dropout, in the order of FuxiCTR: the norm comes first."""
    layers: list[nn.Module] = []
    for size in units:
        layers.append(xavier_linear(inputs, size))
        if batch_norm:
            layers.append(nn.BatchNorm1d(size))
        layers.append(nn.ReLU())
        if dropout:
            layers.append(nn.Dropout(dropout))
        inputs = size
    return nn.Sequential(*layers)


def xavier_linear(inputs: int, outputs: int) -> nn.Linear:
    """Return a Linear layer with Xavier-normal weights and zero bias."""
    layer = nn.Linear(inputs, outputs)
    nn.init.xavier_normal_(layer.weight)
    nn.init.zeros_(layer.bias)
    return layer
