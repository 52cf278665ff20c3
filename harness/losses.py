"""Training losses by kind of output, and reading a model out over many rows."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from .spec import Binary, Classes, NextToken, PerPosition, Regression, TaskSpec

IGNORE = -100
Arrays = Mapping[str, np.ndarray]


def loss_function(spec: TaskSpec) -> Callable[[Tensor, Tensor], Tensor]:
    """Return the loss of outputs and targets, a mean over rows or scored positions."""
    match spec.outputs:
        case Classes():
            return F.cross_entropy
        case PerPosition(ignore=ignore):
            return lambda outputs, targets: _per_position_loss(outputs, targets, ignore)
        case NextToken():
            return lambda outputs, targets: _per_position_loss(outputs, targets, IGNORE)
        case Binary():
            return lambda outputs, targets: F.binary_cross_entropy_with_logits(outputs.squeeze(-1), targets)
        case Regression():
            return F.mse_loss


def _per_position_loss(outputs: Tensor, targets: Tensor, ignore: int) -> Tensor:
    return F.cross_entropy(outputs.flatten(0, -2).float(), targets.flatten(), ignore_index=ignore)


def at_scored_positions(
    spec: TaskSpec, inputs: Mapping[str, Tensor], targets: Tensor
) -> tuple[Mapping[str, Tensor], Tensor]:
    """Return inputs that ask for outputs where there is a target, and the targets there.

    Only tasks with `PerPosition` outputs have positions without one; others are returned as they are.
    """
    if not isinstance(spec.outputs, PerPosition):
        return inputs, targets
    scored = targets != spec.outputs.ignore
    return {**inputs, "scored": scored}, targets[scored]


RESIDENT_BYTES = 2 * 2**30
"""A split up to this size is held as tensors on the device; a larger one stays memory-mapped, batch by batch."""

MOST_LOGITS = 256
"""With more classes a position than this, the class with the highest logit is kept in place of all logits."""


class Rows:
    """Rows of a split; a batch is an index selection, of tensors on one device or of arrays on disk.

    Attributes
    ----------
    inputs, targets
        Tensors on `device` where all of them fit `RESIDENT_BYTES`, else the arrays themselves.
    """

    def __init__(self, inputs: Arrays, targets: np.ndarray | None, device: torch.device):
        arrays = [*inputs.values(), *([] if targets is None else [targets])]
        self.resident = sum(array.nbytes for array in arrays) <= RESIDENT_BYTES
        self.inputs = {name: self._hold(array, device) for name, array in inputs.items()}
        self.targets = None if targets is None else self._hold(targets, device)
        self.device = device

    def _hold(self, array: np.ndarray, device: torch.device) -> Tensor | np.ndarray:
        return _tensor(array, device) if self.resident else array

    def __len__(self) -> int:
        return len(next(iter(self.inputs.values())))

    def batch(self, rows: Tensor | slice) -> tuple[dict[str, Tensor], Tensor | None]:
        """Return the inputs and targets of some rows: integers as int64, but grey values as numbers in -1 to 1."""
        inputs = {name: self._select(name, array, rows) for name, array in self.inputs.items()}
        return inputs, None if self.targets is None else self._select("targets", self.targets, rows)

    def _select(self, name: str, array: Tensor | np.ndarray, rows: Tensor | slice) -> Tensor:
        if isinstance(array, Tensor):
            return _widen(name, array[rows])
        chosen = array[rows if isinstance(rows, slice) else rows.cpu().numpy()]
        return _widen(name, _tensor(chosen, self.device))

    def target_array(self) -> np.ndarray:
        """Return the targets of all rows."""
        assert self.targets is not None
        return self.targets.cpu().numpy() if isinstance(self.targets, Tensor) else self.targets

    def batches(self, size: int) -> Iterator[tuple[dict[str, Tensor], Tensor | None]]:
        """Yield all rows in order, `size` at a time."""
        for start in range(0, len(self), size):
            yield self.batch(slice(start, start + size))


def _tensor(array: np.ndarray, device: torch.device) -> Tensor:
    if array.dtype == np.float64:
        array = array.astype(np.float32)
    elif array.dtype in (np.uint16, np.uint32, np.uint64):
        array = array.astype(np.int64)
    return torch.from_numpy(np.array(array)).to(device)


def _widen(name: str, tensor: Tensor) -> Tensor:
    if name in ("values", "pixels") and tensor.dtype == torch.uint8:
        return tensor.float() / 127.5 - 1
    return tensor if tensor.is_floating_point() or tensor.dtype == torch.bool else tensor.long()


@torch.no_grad()
def read_out(model: nn.Module, rows: Rows, spec: TaskSpec, size: int) -> tuple[np.ndarray, float]:
    """Return predictions in the form `archarena.harness.metrics` takes, and the mean loss.

    Per-position outputs are given at scored positions only, and as the highest class where there
    are more than `MOST_LOGITS` (-1 where they hold NaN); next-token outputs as the negative
    log-likelihood in nats of each scored token, 0 elsewhere.
    """
    model.eval()
    loss = loss_function(spec)
    predictions, losses, weights = [], [], []
    for inputs, targets in rows.batches(size):
        rows_read = len(next(iter(inputs.values())))
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
            weights.append(rows_read)
    mean = float(np.average(losses, weights=weights)) if losses else float("nan")
    return torch.cat(predictions).numpy(), mean


def _highest(outputs: Tensor) -> Tensor:
    classes = outputs.argmax(-1).to(torch.int32)
    return torch.where(outputs.isnan().any(-1), -1, classes)


@torch.no_grad()
def log_likelihoods(model: nn.Module, rows: Rows, size: int) -> np.ndarray:
    """Return each row's summed log-probability of its ``candidates`` tokens, in nats."""
    model.eval()
    sums = []
    for inputs, _ in rows.batches(size):
        candidates = inputs.pop("candidates")
        sums.append(-_token_nll(model(**inputs).float(), candidates).sum(1).cpu())
    return torch.cat(sums).numpy()


def _token_nll(outputs: Tensor, targets: Tensor) -> Tensor:
    nll = F.cross_entropy(outputs.flatten(0, 1), targets.flatten(), ignore_index=IGNORE, reduction="none")
    return nll.view(targets.shape)
