"""The bases of models. Most plugins subclass one and write ``__init__`` and ``forward``."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, ClassVar, Literal, Protocol, Required, TypeAlias, TypedDict

import torch
from torch import nn

from .spec import Image, Size, TaskSpec

State: TypeAlias = Any
"""What a recurrence holds between two positions: nested tuples, lists or dicts of tensors, batch first."""


class ParamGroup(TypedDict, total=False):
    """Parameters that differ from the recipe; what a group does not name follows the recipe.

    Attributes
    ----------
    weight_decay
        Their weight decay.
    max_rate
        The learning rate is capped at it.
    """

    params: Required[list[nn.Parameter]]
    weight_decay: float
    max_rate: float


def embedding_weights(module: nn.Module) -> list[nn.Parameter]:
    """Return the weights of all `nn.Embedding` and `nn.EmbeddingBag` in a module."""
    return [m.weight for m in module.modules() if isinstance(m, nn.Embedding | nn.EmbeddingBag)]  # type: ignore[misc]


class Generator(Protocol):
    """What a model that only writes text gives, such as a pretrained language model.

    It is registered with `register_model` like any other and made with those of its hyperparameters
    and ``device`` that its ``__init__`` names. It is not trained, and answers only the evaluations
    that ask for generated text.
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
            Most tokens of a continuation, in the model's own tokens.
        temperature
            0 for the likeliest token each time.
        stop
            A text that ends a continuation and is not part of it.
        seed
            Of the random stream that samples are drawn from.
        """
        ...


class _Model(nn.Module):
    """What all bases share: the one contract `build`, and what a model may declare.

    A model that defines ``fit(self, built, rows)`` is trained by that one call instead of the loop:
    `built` is the module around it (`archarena.harness.assembly.module`), `rows` are all training rows
    (`archarena.harness.training.rows.Rows`). See `archarena.harness.training.least_squares` for linear read-outs.
    """

    width_multiple: ClassVar[int] = 1
    """The width is a multiple of this (heads, groups)."""

    slack: ClassVar[str | None] = None
    """A whole-number hyperparameter that grows the body, for when widths are coarse."""

    image_form: ClassVar[type[ImageModel] | None] = None
    """The class that stands in where images get one answer each; by default they are lifted.

    Hyperparameters are those of both classes; each is passed to the class that has it.
    """

    @classmethod
    def form_for(cls, spec: TaskSpec) -> type[_Model]:
        """Return the class that is built for a task: this one, or its image form."""
        return cls.image_form if cls.image_form and gives_one_answer_an_image(spec) else cls

    @classmethod
    def build(cls, spec: TaskSpec, size: Size, **hyperparameters: Any) -> nn.Module:
        """Return a module that takes the task's inputs and returns its outputs.

        Raises
        ------
        UserError
            For a hyperparameter the model does not have.
        """
        from ..assembly.build import build

        return build(cls, spec, size, hyperparameters)

    @classmethod
    def supports(cls, spec: TaskSpec) -> str | None:
        """Return None, or the reason why the model cannot take this task."""
        return None

    def dead_parameters(self) -> dict[str, str]:
        """Return parameters that get no gradient at the start, with the reason."""
        return {}

    def param_groups(self) -> list[ParamGroup]:
        """Return the parameters that are not trained as the recipe says.

        All others have the recipe's learning rate and weight decay, those with fewer than two axes
        and the embedding tables no decay.
        """
        return []

    def embedding_tables(self) -> Iterable[nn.Parameter]:
        """Return the tables of embeddings: by default the weights of all `nn.Embedding` and `nn.EmbeddingBag`."""
        return embedding_weights(self)


class SequenceModel(_Model):
    """Mixes a sequence; the harness adds embedding and head.

    ``__init__`` takes ``width`` and any of ``depth``, ``causal``, ``length`` that it names;
    its keyword-only arguments with defaults are the hyperparameters.
    """

    pooling: ClassVar[Literal["mean", "last"]] = "mean"
    """What an answer a row is read from: a norm and the mean over its valid positions, or the last one as it is."""

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

    def init_state(self, batch: int) -> State:
        """Return the state before the first position, on the model's device.

        A causal model may define this and `step`, for decoding one position at a time. One that
        does not is decoded by running `forward` over what was seen.
        """
        raise NotImplementedError

    def step(self, x: torch.Tensor, state: State) -> tuple[torch.Tensor, State]:
        """Mix one position: equal to `forward` position by position.

        Parameters
        ----------
        x
            (batch, width), the position after those in `state`.
        state
            From `init_state` or the last call; it may be overwritten.

        Returns
        -------
        torch.Tensor
            (batch, width).
        State
            With that position.
        """
        raise NotImplementedError


class FieldModel(_Model):
    """Maps categorical fields and numbers to logits, with its own tables and head.

    ``__init__`` takes ``fields`` (a `Fields` spec), ``outputs`` (logits a row), and any of
    ``width`` (hidden units), ``depth`` and ``spec`` (the task's) that it names; its keyword-only
    arguments with defaults are the hyperparameters.
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


class ImageModel(_Model):
    """Maps images to logits, with its own patch embedding and head; registered by itself it takes images alone.

    ``__init__`` takes ``image`` (an `Image` spec), ``outputs`` (logits an image), and any of
    ``width`` (channels), ``depth`` and ``spec`` (the task's) that it names; its keyword-only
    arguments with defaults are the hyperparameters.
    """

    @classmethod
    def supports(cls, spec: TaskSpec) -> str | None:
        """Return None for one answer an image, else that it takes nothing else."""
        return None if gives_one_answer_an_image(spec) else "it takes images and gives one answer each."

    def forward(self, pixels: torch.Tensor) -> torch.Tensor:
        """Score images.

        Parameters
        ----------
        pixels
            (batch, channels, height, width).

        Returns
        -------
        torch.Tensor
            (batch, outputs) logits.
        """
        raise NotImplementedError

    def body_parameters(self) -> Iterable[nn.Parameter]:
        """Return the parameters the tier's budget counts: all but the patch embedding and the head."""
        raise NotImplementedError


def gives_one_answer_an_image(spec: TaskSpec) -> bool:
    """Return whether a task's rows are images with one answer each."""
    return isinstance(spec.inputs, Image) and not spec.per_position


def model_name(cls: type) -> str:
    """Return the name a class is registered by, quoted, or its own."""
    return f"'{getattr(cls, 'registered_name', cls.__name__)}'"
