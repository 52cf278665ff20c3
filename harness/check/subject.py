"""The model under test."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from ..assembly.build import build
from ..assembly.module import Built
from ..contract.model import Model, SequenceModel
from ..contract.spec import Size, TaskSpec
from ..training.loss import loss_function
from .samples import make_batch

WIDTH, DEPTH = 32, 2


class ModelSubject:
    """A model class on one tiny task, with weights shared by the checks."""

    def __init__(self, cls: type[Model], spec: TaskSpec):
        self.cls, self.spec = cls, spec
        multiple = cls.form_for(spec).width_multiple
        self.size = Size(multiple * math.ceil(WIDTH / multiple), DEPTH)
        self.inputs, self.targets = make_batch(spec)
        self.model: Built

    def build(self, seed: int = 0, **hyperparameters: Any) -> Built:
        """Return a model initialized with this seed."""
        torch.manual_seed(seed)
        return build(self.cls, self.spec, self.size, **hyperparameters)

    def loss(self, model: Built) -> Tensor:
        """Return the training loss of the 8 rows."""
        loss = loss_function(self.spec)(model.train()(**self.inputs), self.targets)
        extra = model.auxiliary_loss()
        return loss if extra is None else loss + extra

    @torch.no_grad()
    def outputs(self, inputs: Mapping[str, Tensor]) -> Tensor:
        """Return the shared model's outputs in evaluation mode."""
        return self.model.eval()(**inputs)

    @property
    def mixer(self) -> SequenceModel | None:
        """Return the sequence model inside the built model, if there is one."""
        return self.model.core if isinstance(self.model.core, SequenceModel) else None
