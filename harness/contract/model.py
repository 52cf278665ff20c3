"""Base classes for models. Most plugins subclass one and define ``__init__`` and ``forward``."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, ClassVar, Literal, Protocol, Required, TypeAlias, TypedDict

import torch
from torch import nn

from ..errors import UserError
from .spec import Image, TaskSpec

State: TypeAlias = Any
"""Recurrent state between two positions: nested tuples, lists or dicts of tensors, batch first."""


class ParamGroup(TypedDict, total=False):
    """Parameters that override the recipe; settings that a group omits follow the recipe.

    Attributes
    ----------
    weight_decay
        Weight decay of these parameters.
    max_rate
        Upper bound of their learning rate.
    """

    params: Required[list[nn.Parameter]]
    weight_decay: float
    max_rate: float


def embedding_weights(module: nn.Module) -> list[nn.Parameter]:
    """Return the weights of all `nn.Embedding` and `nn.EmbeddingBag` in a module."""
    tables = [m for m in module.modules() if isinstance(m, nn.Embedding | nn.EmbeddingBag)]
    return [table.weight for table in tables if isinstance(table.weight, nn.Parameter)]


class Generator(Protocol):
    """Interface of a model that only generates text, such as a pretrained language model.

    It is registered with `register_model` like any other model. Its ``__init__`` receives its
    hyperparameters and, if it has that parameter, ``device``. It is not trained, and runs only on evaluations
    with readout ``"generate"``.
    """

    def generate(
        self,
        prompts: list[str],
        *,
        samples: int,
        max_new_tokens: int,
        temperature: float,
        stop: str | None,
        seed: int,
    ) -> list[list[str]]:
        """Return `samples` continuations of each prompt.

        Parameters
        ----------
        max_new_tokens
            Maximum length of a continuation, in the model's own tokens.
        temperature
            Sampling temperature; 0 means greedy decoding.
        stop
            Text that ends a continuation and is excluded from it.
        seed
            Seed for sampling.
        """
        ...


class Model(nn.Module):
    """Common base of all models that are trained; everything in it is optional."""

    build: ClassVar[Callable[..., nn.Module] | None] = None
    """Class method ``build(spec, size, **hyperparameters)`` for models that need a special embedding or head.

    It returns an `archarena.harness.assembly.module.Built`, usually a changed result of
    `archarena.harness.assembly.build.assemble`.
    """

    width_multiple: ClassVar[int] = 1
    """The width is a multiple of this, for example the number of heads or groups."""

    slack: ClassVar[str | None] = None
    """An integer hyperparameter that fine-tunes the body size when width steps are coarse."""

    fixed_width: ClassVar[int | None] = None
    """Width of a model whose body does not grow with the width, such as one with a given state or pretrained weights.

    Such a model is not fitted to the tier's body size. The leaderboard shows it in a section of its own, without
    comparisons. Any other model whose body cannot be fitted is refused.
    """

    bounds: ClassVar[Mapping[str, tuple[float, float]]] = {}
    """The smallest and the largest valid value of numeric hyperparameters; others are refused before a run."""

    image_form: ClassVar[type[ImageModel] | None] = None
    """Class used instead for tasks with one output per image; by default images are lifted.

    The model has the hyperparameters of both classes; each is passed to the class that defines it.
    """

    @classmethod
    def form_for(cls, spec: TaskSpec) -> type[Model]:
        """Return the class to build for a task: this class or its image form."""
        return cls.image_form if cls.image_form and gives_one_answer_an_image(spec) else cls

    @classmethod
    def supports(cls, spec: TaskSpec) -> str | None:
        """Return None, or the reason why the model does not support this task."""
        return None

    def dead_parameters(self) -> dict[str, str]:
        """Return the names of parameters without an initial gradient, each with the reason."""
        return {}

    def param_groups(self) -> list[ParamGroup]:
        """Return the parameters that override the recipe's settings.

        All others use the recipe's learning rate and weight decay, except that parameters with fewer
        than two axes and embedding tables have no weight decay.
        """
        return []

    def embedding_tables(self) -> Iterable[nn.Parameter]:
        """Return the embedding tables: by default the weights of all `nn.Embedding` and `nn.EmbeddingBag`."""
        return embedding_weights(self)

    def body_parameters(self) -> Iterable[nn.Parameter]:
        """Return the parameters that count toward the body size; by default all."""
        return self.parameters()

    def auxiliary_loss(self) -> torch.Tensor | None:
        """Return a term to add to the loss of the last forward pass, or None."""
        return None

    def fit(self, built: Any, rows: Any) -> None:
        """Train the model with one call; a model that defines this is not trained by the training loop.

        Parameters
        ----------
        built
            The module that wraps the model, an `archarena.harness.assembly.module.Built`.
        rows
            All training rows, an `archarena.harness.training.rows.Rows`.

        See Also
        --------
        archarena.harness.training.least_squares : Linear heads in closed form.
        """
        raise NotImplementedError


class SequenceModel(Model):
    """Base for models that map a sequence to a sequence; the harness adds the embedding and the head.

    ``__init__`` takes ``width`` and optionally ``depth``, ``causal`` and ``length``; its
    keyword-only arguments with defaults are the hyperparameters.
    """

    pooling: ClassVar[Literal["mean", "last"]] = "mean"
    """One vector per row: the normalized mean over valid positions, or the last valid position, unnormalized."""

    causal_only: ClassVar[bool] = False
    """Whether a position can depend only on earlier ones, as in a GRU or LSTM.

    On a task that is not causal, the harness then runs two copies of the model, forward and backward, which together
    have the tier's body size (lift ``two-directions``).
    """

    def forward(self, x: torch.Tensor, lengths: torch.Tensor | None = None) -> torch.Tensor:
        """Return the output sequence.

        Parameters
        ----------
        x
            (batch, length, width).
        lengths
            (batch,) number of valid positions per row, or None if all are valid. Padding must not affect
            the outputs at valid positions.

        Returns
        -------
        torch.Tensor
            (batch, length, width).
        """
        raise _undefined(self, "forward(x, lengths), which returns the output sequence")

    def init_state(self, batch: int) -> State:
        """Return the state before the first position, on the model's device.

        A causal model may define this and `step` to decode one position at a time. Otherwise decoding
        runs `forward` over the whole prefix.
        """
        raise NotImplementedError

    def step(self, x: torch.Tensor, state: State) -> tuple[torch.Tensor, State]:
        """Process one position; equivalent to `forward`, one position at a time.

        Parameters
        ----------
        x
            (batch, width), the next position.
        state
            The state from `init_state` or the previous call; it may be overwritten.

        Returns
        -------
        torch.Tensor
            (batch, width).
        State
            The updated state.
        """
        raise NotImplementedError


class FieldModel(Model):
    """Base for models that map categorical and numeric fields to logits, with their own embedding tables and head.

    ``__init__`` takes ``fields`` (a `Fields` spec), ``outputs`` (logits per row), and optionally
    ``width`` (hidden units), ``depth`` and ``spec`` (the task's); its keyword-only
    arguments with defaults are the hyperparameters.
    """

    def forward(self, ids: torch.Tensor, dense: torch.Tensor | None = None) -> torch.Tensor:
        """Return the logits of a batch of rows.

        Parameters
        ----------
        ids
            (batch, fields, bag) int64; id 0 is padding.
        dense
            (batch, n_dense) numbers, or None if the task has none.

        Returns
        -------
        torch.Tensor
            (batch, outputs) logits.
        """
        raise _undefined(self, "forward(ids, dense), which returns the logits")

    def body_parameters(self) -> Iterable[nn.Parameter]:
        """Return the parameters that count toward the body size: all but the embedding tables and the head."""
        raise _undefined(self, "body_parameters(), which returns all parameters but the embedding tables and the head")


class ImageModel(Model):
    """Base for models that map images to logits, with their own patch embedding and head.

    Registered directly, it supports only image tasks.

    ``__init__`` takes ``image`` (an `Image` spec), ``outputs`` (logits per image), and optionally
    ``width`` (channels), ``depth`` and ``spec`` (the task's); its keyword-only
    arguments with defaults are the hyperparameters.
    """

    @classmethod
    def supports(cls, spec: TaskSpec) -> str | None:
        """Return None for tasks with one output per image, otherwise the reason."""
        return None if gives_one_answer_an_image(spec) else "it supports only tasks with one output per image."

    def forward(self, pixels: torch.Tensor) -> torch.Tensor:
        """Return the logits of a batch of images.

        Parameters
        ----------
        pixels
            (batch, channels, height, width).

        Returns
        -------
        torch.Tensor
            (batch, outputs) logits.
        """
        raise _undefined(self, "forward(pixels), which returns the logits")

    def body_parameters(self) -> Iterable[nn.Parameter]:
        """Return the parameters that count toward the body size: all but the patch embedding and the head."""
        raise _undefined(self, "body_parameters(), which returns all parameters but the first layer and the head")


def _undefined(model: Model, method: str) -> UserError:
    name = getattr(model, "registered_name", type(model).__name__)
    return UserError(f"Model '{name}' does not define {method}.")


def gives_one_answer_an_image(spec: TaskSpec) -> bool:
    """Return whether a task has image inputs and one output per image."""
    return isinstance(spec.inputs, Image) and not spec.per_position
