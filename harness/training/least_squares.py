"""Closed-form heads: solve for the last linear layer of a built module instead of training it.

A model with fixed features defines ``fit`` as::

    pooling = "last"                            # use the last position, without norm or mean

    def fit(self, built, rows):
        fit_head(built, rows, ridge=1e-8)
"""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ..assembly.module import Built, BuiltSequence
from ..contract.spec import Classes, Regression
from .rows import Rows


@torch.no_grad()
def fit_head(
    built: Built, rows: Rows, *, ridge: float = 0.0, batch: int = 1024, linear: nn.Linear | None = None
) -> None:
    """Set a linear head to the least-squares solution over all rows, one batch at a time.

    The normal equations of the centered features are summed in float64, so memory does not grow with
    the number of rows. They are solved with a pseudoinverse, so linearly dependent features are
    allowed. Classes are fitted as one-hot targets.

    Parameters
    ----------
    built
        The module passed to `fit`. Its outputs must be those of `linear`.
    ridge
        Penalty on the squared weights (not the bias), relative to the mean variance of the features,
        so it does not depend on their scale.
    batch
        Rows per forward pass.
    linear
        The linear layer to solve for; by default that of the harness's head.

    Raises
    ------
    TypeError
        If the task's outputs are neither `Regression` nor `Classes`.
    """
    outputs = built.spec.outputs
    if not isinstance(outputs, Regression | Classes):
        raise TypeError(f"fit_head() needs Regression or Classes outputs, not {type(outputs).__name__}.")
    if linear is None:
        assert isinstance(built, BuiltSequence)
        linear = built.head.linear
    count, width = 0, linear.in_features
    total = torch.zeros(width + built.spec.n_outputs, dtype=torch.float64, device=linear.weight.device)
    products = torch.zeros(width, len(total), dtype=torch.float64, device=total.device)
    for features, targets in _features(built, rows, linear, batch):
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
    linear.weight.copy_(weight.T)
    if linear.bias is not None:
        linear.bias.copy_(mean[width:] - mean[:width] @ weight)


def _features(built: Built, rows: Rows, linear: nn.Linear, batch: int) -> Iterator[tuple[Tensor, Tensor]]:
    """Yield the inputs of the linear layer and the targets, per batch."""
    seen: list[Tensor] = []
    hook = linear.register_forward_pre_hook(lambda _, arguments: seen.append(arguments[0]))
    try:
        built.eval()
        for inputs, targets in rows.batches(batch):
            seen.clear()
            built(**inputs)
            assert targets is not None
            yield seen[-1], targets
    finally:
        hook.remove()
