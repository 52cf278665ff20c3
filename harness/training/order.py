"""The order of training rows: which of them each step uses."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from ..data.seeds import generator

if TYPE_CHECKING:
    from .attempt import TrialSetting


def batches(setting: TrialSetting, start: int, until: int) -> Iterator[Tensor]:
    """Yield the row indices of the steps from `start` up to `until`.

    An epoch is a permutation of the rows, cut into the recipe's batches. If the recipe has separate updates, odd
    steps use the separate rows and even steps the others, each with epochs of their own.
    """
    parts = _parts(setting)
    taken = [(start - number + len(parts) - 1) // len(parts) for number in range(len(parts))]
    streams = [_shuffled(setting, *part, turn) for part, turn in zip(parts, taken, strict=True)]
    for step in range(start, until):
        yield next(streams[step % len(parts)])


def _parts(setting: TrialSetting) -> list[tuple[str, Tensor, int]]:
    """Return the name, the rows and the batch of each part of the training rows."""
    rows, device = torch.arange(len(setting.train), device=setting.train.device), setting.train.device
    if setting.separate is None:
        return [("epoch", rows, setting.budget.batch)]
    separate = torch.as_tensor(setting.separate, device=device)
    return [
        ("epoch", rows[~separate], setting.budget.batch),
        ("separate epoch", rows[separate], setting.recipe.separate_batch),
    ]


def _shuffled(setting: TrialSetting, name: str, rows: Tensor, batch: int, turn: int) -> Iterator[Tensor]:
    """Yield batches of shuffled rows without end, starting with batch number `turn`."""
    per_epoch = setting.recipe.batches(len(rows), batch)
    while True:
        epoch, first = divmod(turn, per_epoch)
        order = torch.from_numpy(generator(setting.order_seed, name, epoch).permutation(len(rows)))
        shuffled = rows[order.to(rows.device)]
        for place in range(first, per_epoch):
            yield shuffled[place * batch : (place + 1) * batch]
        turn = (epoch + 1) * per_epoch
