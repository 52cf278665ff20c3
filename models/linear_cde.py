"""The linear controlled differential equation: what the theory of selective recurrences is stated for."""

from __future__ import annotations

from typing import Any

from torch import Tensor, nn

from ..harness.assembly.module import Built
from ..harness.contract.hyperparameters import check_hyperparameters
from ..harness.contract.model import SequenceModel
from ..harness.contract.registry import register_model
from ..harness.contract.spec import Classes, Regression, Series, Size, TaskSpec
from ..harness.errors import UserError
from ..harness.training.least_squares import fit_readout
from ..harness.training.rows import Rows
from .blocks.controlled_flow import ControlledFlow, Drive, FlowState
from .blocks.padding import reverse_valid
from .blocks.residual import ResidualStack


@register_model(
    "linear-cde",
    paper="arXiv:2402.19047",
    summary="Linear controlled differential equation: the input, as a path, drives the state through dense matrices.",
    family="linear recurrence",
)
class LinearCDE(ResidualStack):
    """``dZ = sum_i A^i Z dw^i + B dw`` along the path w = [time, input] (Cirone et al. 2024).

    What multiplies with what: the whole state, through a dense matrix of its own, with each
    channel of the input, so that the order of two inputs matters. The model has no other product.

    Trained, it is the paper's model of token sequences in as many blocks as the tier has:
    ``x = LayerNorm(x + ReLU(W Z))`` with dropout before and after the map. The path's velocity is
    the input itself, and an Euler step of 1 / length follows it. Where a task is not causal, ours
    adds a second equation along the reversed path; both states are added before the map.

    Untrained (`trained` off), it is the paper's random model: one equation whose A, B and Z_0
    stay as drawn, read from its last state by least squares. A series drives it without an
    embedding: the path joins its points by straight lines and is followed exactly.

    Parameters
    ----------
    drive
        "velocity" or "path": what the inputs are to the path; by default "velocity", and "path" for
        series where untrained.
    trained
        Whether A, B and the rest are trained, or only a linear read-out is solved for.
    dropout
        Share of the entries dropped before and after each block's map.
    """

    def __init__(
        self,
        width: int,
        depth: int,
        causal: bool,
        length: int,
        *,
        drive: Drive | None = None,
        trained: bool = True,
        dropout: float = 0.1,
    ):
        super().__init__()
        if not trained:
            raise UserError("linear-cde without training must be made by build, which gives it the read-out to fit.")
        self.blocks = nn.ModuleList(Block(width, causal, length, drive or "velocity", dropout) for _ in range(depth))
        self.norm = None

    @classmethod
    def build(cls, spec: TaskSpec, size: Size, **hyperparameters: Any) -> nn.Module:
        """Return a module that takes the task's inputs and returns its outputs; see `SequenceModel.build`."""
        if hyperparameters.get("trained", True):
            return super().build(spec, size, **hyperparameters)
        check_hyperparameters(cls, hyperparameters)
        drive = hyperparameters.get("drive") or ("path" if isinstance(spec.inputs, Series) else "velocity")
        return RandomLinearCDE.build(spec, size, drive=drive)


class Block(nn.Module):
    """The equation's states, a map with ReLU, the residual sum, and a norm."""

    def __init__(self, width: int, causal: bool, length: int, drive: Drive, dropout: float):
        super().__init__()
        self.flow = Flows(width, width, causal, length, drive)
        self.map = nn.Sequential(nn.Dropout(dropout), nn.Linear(width, width), nn.ReLU(), nn.Dropout(dropout))
        self.norm = nn.LayerNorm(width)

    def forward(self, x: Tensor, valid: Tensor | None) -> Tensor:
        return self.norm(x + self.map(self.flow(x, valid)))

    def init_state(self, batch: int) -> FlowState:
        return self.flow.forwards.init_state(batch)

    def step(self, x: Tensor, state: FlowState) -> tuple[Tensor, FlowState]:
        z, state = self.flow.forwards.step(x, state)
        return self.norm(x + self.map(z)), state


class Flows(nn.Module):
    """One equation along the path and, where not causal, one along the reversed path; their states are added."""

    def __init__(self, channels: int, hidden: int, causal: bool, length: int, drive: Drive):
        super().__init__()
        self.forwards = ControlledFlow(channels, hidden, length, drive)
        self.backwards = None if causal else ControlledFlow(channels, hidden, length, drive)

    def forward(self, x: Tensor, valid: Tensor | None) -> Tensor:
        z = self.forwards(x)
        if self.backwards is not None:
            lengths = None if valid is None else valid.sum(1)
            z = z + reverse_valid(self.backwards(reverse_valid(x, lengths)), lengths)
        return z


class Points(nn.Module):
    """The embedding of a series that is a path already: none."""

    def forward(self, values: Tensor) -> tuple[Tensor, None]:
        return values, None


class RandomLinearCDE(SequenceModel):
    """An equation whose matrices stay as drawn; only the read-out of its last state is fitted."""

    pooling = "last"

    def __init__(self, width: int, length: int, channels: int | None = None, *, drive: Drive = "velocity"):
        super().__init__()
        self.flow = ControlledFlow(channels or width, width, length, drive).requires_grad_(False)

    @classmethod
    def build(cls, spec: TaskSpec, size: Size, **hyperparameters: Any) -> nn.Module:
        """Return a module that takes the task's inputs and returns its outputs; a series enters it as it is."""
        if not isinstance(spec.outputs, Classes | Regression):
            found = type(spec.outputs).__name__
            raise UserError(f"linear-cde without training answers with Classes or Regression: found {found}.")
        built = super().build(spec, size, **hyperparameters)
        if isinstance(spec.inputs, Series):
            built.embedding = Points()
            built.core = cls(size.width, spec.inputs.length, spec.inputs.channels, **hyperparameters)
        return built

    def forward(self, x: Tensor, lengths: Tensor | None = None) -> Tensor:
        """Return the states (batch, length, width) along `x`; see `SequenceModel.forward`."""
        return self.flow(x)

    def fit(self, built: Built, rows: Rows) -> None:
        """Solve the read-out by least squares over all training rows."""
        fit_readout(built, rows)
