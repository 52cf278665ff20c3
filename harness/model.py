"""The two bases of models. Most plugins subclass one and write ``__init__`` and ``forward``."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, ClassVar

import torch
from torch import nn

from .spec import Size, TaskSpec


class _Model(nn.Module):
    """What both bases share: the one contract `build`, and what a model may declare."""

    width_multiple: ClassVar[int] = 1
    """The width is a multiple of this (heads, groups)."""

    slack: ClassVar[str | None] = None
    """A whole-number hyperparameter that grows the body, for when widths are coarse."""

    @classmethod
    def build(cls, spec: TaskSpec, size: Size, **hyperparameters: Any) -> nn.Module:
        """Return a module that takes the task's inputs and returns its outputs.

        Raises
        ------
        UserError
            For a hyperparameter the model does not have.
        """
        from .build import build

        return build(cls, spec, size, hyperparameters)

    @classmethod
    def supports(cls, spec: TaskSpec) -> str | None:
        """Return None, or the reason why the model cannot take this task."""
        return None

    def dead_parameters(self) -> dict[str, str]:
        """Return parameters that get no gradient at the start, with the reason."""
        return {}

    def no_decay(self) -> Iterable[nn.Parameter]:
        """Return parameters exempt from weight decay beside those with fewer than two axes."""
        return ()


class SequenceModel(_Model):
    """Mixes a sequence; the harness adds embedding and head.

    ``__init__`` takes ``width`` and any of ``depth``, ``causal``, ``length`` that it names;
    its keyword-only arguments with defaults are the hyperparameters.
    """

    def forward(self, x: torch.Tensor, lengths: torch.Tensor | None = None) -> torch.Tensor:
        """Mix `x`.

        Parameters
        ----------
        x
            (batch, length, width).
        lengths
            (batch,) valid positions of each row, or None where all are. What lies past them
            must change nothing before them.

        Returns
        -------
        torch.Tensor
            (batch, length, width).
        """
        raise NotImplementedError


class FieldModel(_Model):
    """Maps categorical fields and numbers to logits, with its own tables and head.

    ``__init__`` takes ``fields`` (a `Fields` spec), ``outputs`` (logits a row), and any of
    ``width`` (hidden units) and ``depth`` that it names; its keyword-only arguments with
    defaults are the hyperparameters.
    """

    def forward(self, ids: torch.Tensor, dense: torch.Tensor | None = None) -> torch.Tensor:
        """Score rows.

        Parameters
        ----------
        ids
            (batch, fields, bag) int64; id 0 is padding.
        dense
            (batch, n_dense) numbers, or None where there are none.

        Returns
        -------
        torch.Tensor
            (batch, outputs) logits.
        """
        raise NotImplementedError

    def body_parameters(self) -> Iterable[nn.Parameter]:
        """Return the parameters the tier's budget counts: all but embedding tables and the read-out."""
        raise NotImplementedError

    def auxiliary_loss(self) -> torch.Tensor | None:
        """Return a term to add to the loss of the last forward pass, or None."""
        return None
