"""The linear controlled differential equation, from the theory of selective recurrences."""

from __future__ import annotations

from typing import Any

from torch import Tensor, nn

from ..harness import (
    Built,
    Classes,
    Regression,
    Rows,
    SequenceModel,
    Series,
    Size,
    TaskSpec,
    UserError,
    assemble,
    build,
    fit_head,
    register_model,
)
from ..harness.contract.hyperparameters import check_hyperparameters
from .blocks.controlled_flow import ControlledFlow, Drive, FlowState
from .blocks.dropout import Dropout
from .blocks.padding import reverse_valid
from .blocks.residual import ResidualStack


@register_model(
    "linear-cde",
    paper="arXiv:2402.19047",
    summary="Linear controlled differential equation: the input path drives the state through dense matrices.",
    family="linear recurrence",
)
class LinearCDE(ResidualStack):
    """``dZ = sum_i A^i Z dw^i + B dw`` along the path w = [time, input] (Cirone et al. 2024).

    Products: the whole state with each channel of the input, through one dense matrix per channel,
    so the order of inputs matters. There are no other products.

    Trained, this is the paper's model for token sequences, in `depth` blocks of
    ``x = LayerNorm(x + ReLU(W Z))`` with dropout before and after the map. The input is the path's
    velocity, integrated by Euler steps of 1 / length. On non-causal tasks we add a second equation
    along the reversed path; both states are added before the map.

    Untrained (``trained=False``), this is the paper's random model: one equation with random, fixed
    A, B and Z_0, and a head fitted to its last state by least squares. A series drives it directly,
    without an embedding: the path joins its points by straight lines and is solved to the
    precision that `ControlledFlow` states.

    Parameters
    ----------
    drive
        Whether the inputs are the path's "velocity" or the points of the "path"; by default
        "velocity", but "path" for series if untrained.
    trained
        Whether all parameters are trained; otherwise only a linear head is fitted.
    dropout
        Dropout rate before and after each block's map.
    """

    bounds = {"dropout": (0, 0.99)}

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
            raise UserError("Create an untrained linear-cde with archarena.harness.build, which adds the head to fit.")
        self.blocks = nn.ModuleList(Block(width, causal, length, drive or "velocity", dropout) for _ in range(depth))
        self.norm = None

    @classmethod
    def build(cls, spec: TaskSpec, size: Size, **hyperparameters: Any) -> Built:
        if hyperparameters.get("trained", True):
            return assemble(cls, spec, size, **hyperparameters)
        check_hyperparameters(cls, hyperparameters)
        drive = hyperparameters.get("drive") or ("path" if isinstance(spec.inputs, Series) else "velocity")
        return build(RandomLinearCDE, spec, size, drive=drive)


class Block(nn.Module):
    """``norm(x + map(flow(x)))``, with a ReLU in the map."""

    def __init__(self, width: int, causal: bool, length: int, drive: Drive, dropout: float):
        super().__init__()
        self.flow = Flows(width, width, causal, length, drive)
        self.map = nn.Sequential(Dropout(dropout), nn.Linear(width, width), nn.ReLU(), Dropout(dropout))
        self.norm = nn.LayerNorm(width)

    def forward(self, x: Tensor, valid: Tensor | None) -> Tensor:
        return self.norm(x + self.map(self.flow(x, valid)))

    def init_state(self, batch: int) -> FlowState:
        return self.flow.forwards.init_state(batch)

    def step(self, x: Tensor, state: FlowState) -> tuple[Tensor, FlowState]:
        z, state = self.flow.forwards.step(x, state)
        return self.norm(x + self.map(z)), state


class Flows(nn.Module):
    """The sum of an equation along the path and, if not causal, one along the reversed path."""

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
    """The embedding of a series that is used directly as the path: the identity."""

    def forward(self, values: Tensor) -> tuple[Tensor, None]:
        return values, None


class RandomLinearCDE(SequenceModel):
    """An equation with random, fixed matrices; only the head on its last state is fitted."""

    pooling = "last"

    bounds = {"channels": (1, 2**20)}

    def __init__(self, width: int, length: int, channels: int | None = None, *, drive: Drive = "velocity"):
        super().__init__()
        self.flow = ControlledFlow(channels or width, width, length, drive).requires_grad_(False)

    @classmethod
    def build(cls, spec: TaskSpec, size: Size, **hyperparameters: Any) -> Built:
        """Return a module that takes the task's inputs and returns its outputs; a series gets no embedding."""
        if not isinstance(spec.outputs, Classes | Regression):
            found = type(spec.outputs).__name__
            raise UserError(f"Untrained linear-cde supports only Classes and Regression outputs: found {found}.")
        built = assemble(cls, spec, size, **hyperparameters)
        if isinstance(spec.inputs, Series):
            built.embedding = Points()
            built.core = cls(size.width, spec.inputs.length, spec.inputs.channels, **hyperparameters)
        return built

    def forward(self, x: Tensor, lengths: Tensor | None = None) -> Tensor:
        return self.flow(x)

    def fit(self, built: Built, rows: Rows) -> None:
        fit_head(built, rows)
