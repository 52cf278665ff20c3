"""Batches of a split, from tensors on the device or from arrays on disk."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np
import torch
from torch import Tensor

Arrays = Mapping[str, np.ndarray]

RESIDENT_BYTES = 2 * 2**30
"""Splits of at most this many bytes are kept as tensors on the device; larger ones stay memory-mapped."""


class Rows:
    """The rows of a split, selected in batches from tensors on one device or from arrays on disk.

    Attributes
    ----------
    inputs, targets
        Tensors on `device` if together they fit in `RESIDENT_BYTES`, otherwise the arrays.
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
        """Return the inputs and targets of `rows`: integers as int64, 8-bit pixels and values scaled to [-1, 1]."""
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
