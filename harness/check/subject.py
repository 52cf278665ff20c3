"""The model under test."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from ..assembly.module import Built
from ..contract.model import SequenceModel
from ..contract.spec import Size, TaskSpec
from ..training.loss import loss_function
from .samples import make_batch

WIDTH, DEPTH = 32, 2


class Subject:
    """A model class on one tiny task, with weights shared by the checks."""

    def __init__(self, cls: Any, spec: TaskSpec):
        self.cls, self.spec = cls, spec
        multiple = cls.form_for(spec).width_multiple
        self.size = Size(multiple * math.ceil(WIDTH / multiple), DEPTH)
        self.inputs, self.targets = make_batch(spec)
        self.model: nn.Module

    def build(self, seed: int = 0, **hyperparameters: Any) -> nn.Module:
        """Return a model initialized with this seed."""
        torch.manual_seed(seed)
        return self.cls.build(self.spec, self.size, **hyperparameters)

    def loss(self, model: nn.Module) -> Tensor:
        """Return the training loss of the 8 rows."""
        loss = loss_function(self.spec)(model.train()(**self.inputs), self.targets)
        extra = model.auxiliary_loss()  # type: ignore[operator]
        return loss if extra is None else loss + extra

    @torch.no_grad()
    def outputs(self, inputs: Mapping[str, Tensor]) -> Tensor:
        """Return the shared model's outputs in evaluation mode."""
        return self.model.eval()(**inputs)

    @property
    def mixer(self) -> nn.Module | None:
        """Return the sequence model inside the built model, if there is one."""
        core = self.model.core if isinstance(self.model, Built) else None
        return core if isinstance(core, SequenceModel) else None
