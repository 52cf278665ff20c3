"""Runnable modules: a registered model wrapped with the layers the harness adds."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor, nn

from ..contract.model import FieldModel, Model, SequenceModel, State, embedding_weights
from ..contract.spec import Series, TaskSpec, Tokens
from ..errors import UserError
from .heads import Head
from .lifts import FieldView


def tensors_of(state: State) -> Iterator[Tensor]:
    """Yield the tensors of a nested state."""
    if isinstance(state, Tensor):
        yield state
    elif isinstance(state, dict | list | tuple):
        for part in state.values() if isinstance(state, dict) else state:
            yield from tensors_of(part)


class Built(nn.Module):
    """A model that takes a task's input arrays as keyword arguments and returns its outputs.

    For tasks with one output per position, callers may also pass ``scored``, a boolean mask of
    shape (batch, length). The outputs are then only those of the marked positions, (marked, n), in
    the order of `torch.nonzero`, and the head is not computed for other positions. ``scored`` may
    also be the indices of positions, (count,), counted through all rows.

    Attributes
    ----------
    core
        The instance of the registered class.
    lift
        Name of the lift (`archarena.harness.assembly.lifts`) that adapts the model to this task, or None.
    spec
        The task's spec.
    """

    window: int
    """Number of positions `step` keeps for a model that does not implement `step`."""

    def __init__(self, core: Model, lift: str | None, spec: TaskSpec):
        super().__init__()
        self.core = core
        self.lift = lift
        self.spec = spec

    def body_parameters(self) -> list[nn.Parameter]:
        """Return the parameters that count toward the tier's body size, without duplicates."""
        return list(dict.fromkeys(self.core.body_parameters()))

    def embedding_tables(self) -> list[nn.Parameter]:
        """Return the embedding tables, including those of the harness, without duplicates."""
        return list(dict.fromkeys([*embedding_weights(self), *self.core.embedding_tables()]))

    def param_groups(self, weight_decay: float, *, decay_all: bool = False) -> list[dict[str, Any]]:
        """Return the optimizer's parameter groups, with ``weight_decay`` and ``max_rate`` (maximum learning rate).

        Embedding tables and parameters with fewer than two axes (biases, norms) are not decayed.
        The model's own `param_groups` take precedence over both rules, and `decay_all` over all three.
        """
        declared = {id(parameter): group for group in self.core.param_groups() for parameter in group["params"]}
        tables = {id(table) for table in self.embedding_tables()}
        groups: dict[tuple[float, float], list[nn.Parameter]] = {}
        for parameter in self.parameters():
            if parameter.requires_grad:
                own = declared.get(id(parameter), {})
                usual = 0.0 if parameter.ndim < 2 or id(parameter) in tables else weight_decay
                decay = weight_decay if decay_all else own.get("weight_decay", usual)
                key = decay, own.get("max_rate", math.inf)
                groups.setdefault(key, []).append(parameter)
        return [
            {"params": parameters, "weight_decay": decay, "max_rate": cap}
            for (decay, cap), parameters in sorted(groups.items(), reverse=True, key=lambda item: item[0])
        ]

    def _expect(self, outputs: Tensor, shape: tuple[int, ...]) -> Tensor:
        """Check what the model's `forward` returned and return it.

        Raises
        ------
        UserError
            If it is not a tensor of the given shape.
        """
        model = f"model '{getattr(self.core, 'registered_name', type(self.core).__name__)}'"
        if not isinstance(outputs, Tensor):
            raise UserError(f"forward() of {model} returned {type(outputs).__name__}, not a tensor.")
        if outputs.shape != shape:
            found = tuple(outputs.shape)
            raise UserError(f"forward() of {model} returned shape {found}, expected {tuple(shape)}.")
        return outputs

    def auxiliary_loss(self) -> Tensor | None:
        """Return the model's auxiliary loss for the last forward pass, or None."""
        return self.core.auxiliary_loss()

    @property
    def fits_itself(self) -> bool:
        """Return whether the model defines `fit`, which replaces the training loop."""
        return type(self.core).fit is not Model.fit

    @property
    def steps_itself(self) -> bool:
        """Return whether the model implements `step`; otherwise `step` runs forward over recent positions."""
        return False

    def init_state(self, batch: int) -> State:
        """Return the state before the first position.

        Raises
        ------
        NotImplementedError
            If the task is not causal, does not have one output per position, or has inputs other
            than tokens or a series.
        """
        if not (self.spec.causal and self.spec.per_position and isinstance(self.spec.inputs, Tokens | Series)):
            raise NotImplementedError(
                "Decoding needs a causal task with token or series inputs and one output per position."
            )
        device = next(self.parameters()).device
        if isinstance(self.spec.inputs, Tokens):
            return torch.zeros(batch, 0, dtype=torch.long, device=device)
        return torch.zeros(batch, 0, self.spec.inputs.channels, device=device)

    def prefill(self, rows: Tensor) -> State:
        """Return the state after `rows`, (batch, length) tokens or (batch, length, channels) values."""
        return torch.cat((self.init_state(len(rows)), rows), 1)[:, -self.window :]

    def step(self, x: Tensor, state: State) -> tuple[Tensor, State]:
        """Return the outputs (batch, n) at the next position, and the new state.

        Parameters
        ----------
        x
            Tokens (batch,) or values (batch, channels).
        """
        seen = torch.cat((state, x.unsqueeze(1)), 1)[:, -self.window :]
        last = torch.zeros(seen.shape[:2], dtype=torch.bool, device=seen.device)
        last[:, -1] = True
        return self(**self._inputs(seen), scored=last), seen

    def _inputs(self, array: Tensor) -> dict[str, Tensor]:
        return {"tokens" if isinstance(self.spec.inputs, Tokens) else "values": array}


class BuiltSequence(Built):
    """An embedding, a sequence model with `width` outputs per position, and a head."""

    core: SequenceModel

    def __init__(
        self, core: SequenceModel, embedding: nn.Module, head: Head, width: int, lift: str | None, spec: TaskSpec
    ):
        super().__init__(core, lift, spec)
        self.embedding = embedding
        self.head = head
        self.width = width
        self.window = spec.inputs.length if isinstance(spec.inputs, Tokens | Series) else 0

    def forward(self, *, scored: Tensor | None = None, **inputs: Tensor) -> Tensor:
        x, lengths = self.embedding(**inputs)
        y = self._expect(self.core(x, lengths), (*x.shape[:2], self.width))
        if scored is None:
            return self.head(y, lengths)
        return self.head(y[scored] if scored.dtype == torch.bool else y.flatten(0, 1)[scored], None)

    @property
    def steps_itself(self) -> bool:
        """Return whether the model implements `step`."""
        return type(self.core).step is not SequenceModel.step

    def init_state(self, batch: int) -> State:
        """Return the state before the first position; see `Built.init_state`."""
        nothing_seen = super().init_state(batch)
        return self.core.init_state(batch) if self.steps_itself else nothing_seen

    def prefill(self, rows: Tensor) -> State:
        """Return the state after `rows`; see `Built.prefill`."""
        if not self.steps_itself:
            return super().prefill(rows)
        state = self.init_state(len(rows))
        for x in rows.unbind(1):
            _, state = self.step(x, state)
        return state

    def step(self, x: Tensor, state: State) -> tuple[Tensor, State]:
        """Return the outputs at the next position, and the new state; see `Built.step`."""
        if not self.steps_itself:
            return super().step(x, state)
        embedded, _ = self.embedding(**self._inputs(x.unsqueeze(1)))
        y, state = self.core.step(embedded.squeeze(1), state)
        return self.head(y, None), state


class BuiltFields(Built):
    """A field model and the view that turns the task's inputs into fields."""

    def __init__(self, core: FieldModel, view: FieldView, spec: TaskSpec):
        super().__init__(core, view.name, spec)
        self.view = view
        self.window = view.window

    def forward(self, *, scored: Tensor | None = None, **inputs: Tensor) -> Tensor:
        ids, dense = self.view(**inputs)
        if scored is not None:
            marked = scored.flatten()
            ids, dense = ids[marked], None if dense is None else dense[marked]
        outputs = self._expect(self.core(ids, dense), (len(ids), self.spec.n_outputs))
        if scored is None and self.spec.per_position:
            return outputs.unflatten(0, (len(next(iter(inputs.values()))), -1))
        return outputs


class BuiltImage(Built):
    """An image model, which receives the pixels unchanged."""

    def forward(self, pixels: Tensor) -> Tensor:
        return self._expect(self.core(pixels), (len(pixels), self.spec.n_outputs))
