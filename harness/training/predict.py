"""Run a model over a split."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from ..assembly.module import Built
from ..contract.spec import NextToken, PerPosition, TaskSpec
from .loss import IGNORE, at_scored_positions, loss_function
from .rows import Rows

MOST_LOGITS = 256
"""If there are more classes per position, only the class with the highest logit is kept, not all logits."""


@torch.no_grad()
def predict(model: Built, rows: Rows, spec: TaskSpec, size: int) -> tuple[np.ndarray, float]:
    """Return predictions as expected by `archarena.harness.contract.metrics`, and the mean loss.

    Per-position outputs are returned at scored positions only. With more than `MOST_LOGITS` classes,
    they are the class with the highest logit (-1 if any logit is NaN). Next-token outputs are the
    negative log-likelihood of each scored token in nats, and 0 elsewhere.
    """
    model.eval()
    loss = loss_function(spec)
    predictions, losses, weights = [], [], []
    for inputs, targets in rows.batches(size):
        count = len(next(iter(inputs.values())))
        if targets is not None:
            inputs, targets = at_scored_positions(spec, inputs, targets)
        outputs = model(**inputs).float()
        if isinstance(spec.outputs, NextToken):
            assert targets is not None
            predictions.append(_token_nll(outputs, targets).cpu())
        elif isinstance(spec.outputs, PerPosition) and spec.outputs.n > MOST_LOGITS:
            predictions.append(_highest(outputs).cpu())
        else:
            predictions.append(outputs.cpu())
        if targets is not None:
            losses.append(loss(outputs, targets).item())
            weights.append(count)
    mean = float(np.average(losses, weights=weights)) if losses else float("nan")
    return torch.cat(predictions).numpy(), mean


def _highest(outputs: Tensor) -> Tensor:
    classes = outputs.argmax(-1).to(torch.int32)
    return torch.where(outputs.isnan().any(-1), -1, classes)


@torch.no_grad()
def log_likelihoods(model: Built, rows: Rows, size: int) -> np.ndarray:
    """Return the summed log-probability of the ``candidates`` tokens, in nats per row."""
    model.eval()
    sums = []
    for inputs, _ in rows.batches(size):
        candidates = inputs.pop("candidates")
        sums.append(-_token_nll(model(**inputs).float(), candidates).sum(1).cpu())
    return torch.cat(sums).numpy()


def _token_nll(outputs: Tensor, targets: Tensor) -> Tensor:
    nll = F.cross_entropy(outputs.flatten(0, 1), targets.flatten(), ignore_index=IGNORE, reduction="none")
    return nll.view(targets.shape)
