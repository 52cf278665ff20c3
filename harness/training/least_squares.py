"""Closed-form read-outs: a built module's last linear map, solved instead of trained.

A model whose features are fixed defines ``fit`` as::

    pooling = "last"                            # the last position as it is, without norm and mean

    def fit(self, built, rows):
        fit_readout(built, rows, ridge=1e-8)
"""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ..assembly.module import Built
from ..contract.spec import Classes, Regression
from .rows import Rows


@torch.no_grad()
def fit_readout(
    built: Built, rows: Rows, *, ridge: float = 0.0, batch: int = 1024, readout: nn.Linear | None = None
) -> None:
    """Set a linear read-out to the least-squares solution over all rows, streaming over batches.

    The normal equations of the centred features are summed in float64, so that memory does not
    grow with the rows, and solved by singular values, so that features that depend on each other
    do no harm. Classes are fitted as one-hot targets.

    Parameters
    ----------
    built
        The module that `fit` was given; its outputs are one linear map of what `readout` gets.
    ridge
        Penalty on the squared weights (not the bias), as a share of the mean variance of a
        feature, so that it means the same at any scale.
    batch
        Rows of a forward pass.
    readout
        The map to solve; by default the last linear map of the harness's head.

    Raises
    ------
    TypeError
        If the task's outputs are neither `Regression` nor `Classes`.
    """
    outputs = built.spec.outputs
    if not isinstance(outputs, Regression | Classes):
        raise TypeError(f"A read-out is fitted to Regression or Classes, not to {type(outputs).__name__}.")
    readout = readout or built.head.linear  # type: ignore[union-attr, assignment]
    assert isinstance(readout, nn.Linear)
    count, width = 0, readout.in_features
    total = torch.zeros(width + built.spec.n_outputs, dtype=torch.float64, device=readout.weight.device)
    products = torch.zeros(width, len(total), dtype=torch.float64, device=total.device)
    for features, targets in _features(built, rows, readout, batch):
        wanted = F.one_hot(targets, built.spec.n_outputs) if isinstance(outputs, Classes) else targets
        both = torch.cat((features.double(), wanted.double()), 1)
        products += both[:, :width].T @ both
        total += both.sum(0)
        count += len(both)
    mean = total / count
    products -= count * torch.outer(mean[:width], mean)
    gram, moments = products[:, :width], products[:, width:]
    gram.diagonal().add_(ridge * gram.diagonal().mean())
    weight = torch.linalg.pinv(gram, hermitian=True) @ moments
    readout.weight.copy_(weight.T)
    if readout.bias is not None:
        readout.bias.copy_(mean[width:] - mean[:width] @ weight)


def _features(built: Built, rows: Rows, readout: nn.Linear, batch: int) -> Iterator[tuple[Tensor, Tensor]]:
    """Yield what the read-out gets for each batch of rows, and the targets."""
    seen: list[Tensor] = []
    hook = readout.register_forward_pre_hook(lambda _, arguments: seen.append(arguments[0]))
    try:
        built.eval()
        for inputs, targets in rows.batches(batch):
            seen.clear()
            built(**inputs)
            assert targets is not None
            yield seen[-1], targets
    finally:
        hook.remove()
