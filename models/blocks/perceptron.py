"""Hidden layers of field models."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from torch import nn

from .dropout import Dropout


def xavier_linear(inputs: int, outputs: int, *, bias: bool = True) -> nn.Linear:
    """Return a Linear layer with Xavier-normal weights and zero bias."""
    layer = nn.Linear(inputs, outputs, bias=bias)
    nn.init.xavier_normal_(layer.weight)
    if bias:
        nn.init.zeros_(layer.bias)
    return layer


def hidden_layers(
    inputs: int,
    units: Sequence[int],
    *,
    dropout: float = 0.0,
    batch_norm: bool = True,
    make_map: Callable[[int, int], nn.Module] = xavier_linear,
) -> nn.Sequential:
    """Return hidden layers of a linear map, batch norm, ReLU and dropout, in FuxiCTR's order."""
    layers: list[nn.Module] = []
    for size in units:
        layers.append(make_map(inputs, size))
        if batch_norm:
            layers.append(nn.BatchNorm1d(size))
        layers.append(nn.ReLU(inplace=True))
        if dropout:
            layers.append(Dropout(dropout))
        inputs = size
    return nn.Sequential(*layers)
