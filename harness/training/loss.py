"""Training losses by type of output."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from torch import Tensor
from torch.nn import functional as F

from ..assembly.module import Built
from ..contract.metrics import IGNORE
from ..contract.spec import Binary, Classes, Labels, NextToken, PerPosition, Regression, TaskSpec


def loss_function(spec: TaskSpec) -> Callable[[Tensor, Tensor], Tensor]:
    """Return the loss function of outputs and targets: a mean over rows or scored positions."""
    match spec.outputs:
        case Classes():
            return F.cross_entropy
        case Labels(n=n):
            return lambda outputs, targets: F.cross_entropy(outputs.unflatten(-1, (-1, n)).mT, targets)
        case PerPosition(ignore=ignore):
            return lambda outputs, targets: _per_position_loss(outputs, targets, ignore)
        case NextToken():
            return lambda outputs, targets: _per_position_loss(outputs, targets, IGNORE)
        case Binary():
            return _binary_loss
        case Regression():
            return F.mse_loss


def _binary_loss(outputs: Tensor, targets: Tensor) -> Tensor:
    return F.binary_cross_entropy_with_logits(outputs.squeeze(-1), targets.to(outputs.dtype))


def _per_position_loss(outputs: Tensor, targets: Tensor, ignore: int) -> Tensor:
    return F.cross_entropy(outputs.flatten(0, -2).float(), targets.flatten(), ignore_index=ignore)


def training_loss(model: Built, outputs: Tensor, targets: Tensor) -> tuple[Tensor, Tensor | None]:
    """Return the loss of outputs, and the auxiliary loss of the forward pass that made them; their sum is minimized."""
    return loss_function(model.spec)(outputs.float(), targets), model.auxiliary_loss()


def at_scored_positions(
    spec: TaskSpec, inputs: Mapping[str, Tensor], targets: Tensor
) -> tuple[Mapping[str, Tensor], Tensor]:
    """Restrict the outputs to positions that have a target: add ``scored`` to the inputs, select the targets.

    Only tasks with `PerPosition` outputs have positions without a target; for others, nothing changes.
    """
    if not isinstance(spec.outputs, PerPosition):
        return inputs, targets
    scored = targets != spec.outputs.ignore
    return {**inputs, "scored": scored}, targets[scored]
