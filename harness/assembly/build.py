"""From a registered class to a runnable module."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..contract.hyperparameters import (
    check_hyperparameters,
    init_parameters,
)
from ..contract.model import FieldModel, ImageModel, SequenceModel, model_name
from ..contract.spec import Fields, Image, Pair, Series, Size, TaskSpec, Tokens
from ..errors import UserError
from .heads import LastHead, PairEmbedding, PairHead, PositionHead, RowHead, SeriesEmbedding, TokenEmbedding
from .lifts import (
    FieldsEmbedding,
    ImageChunks,
    NativeFields,
    RasterEmbedding,
    SeriesChunks,
    TokenChunks,
    WindowFields,
    field_count,
)
from .module import Built, BuiltFields, BuiltImage, BuiltSequence


def build(cls: type, spec: TaskSpec, size: Size, hyperparameters: Mapping[str, Any]) -> Built:
    """Return a module that takes the task's inputs and returns its outputs.

    Raises
    ------
    UserError
        For an unknown or ill-typed hyperparameter, a task the model or its kind cannot take, or
        an ``__init__`` that asks for what the harness does not have.
    """
    check_hyperparameters(cls, hyperparameters)
    reason = cls.supports(spec)  # type: ignore[attr-defined]
    if reason:
        raise UserError(f"Model {model_name(cls)} does not take this task: {reason}")
    if spec.per_position and isinstance(spec.inputs, Pair | Fields):
        raise UserError(f"Inputs {type(spec.inputs).__name__} have no positions for outputs at each of them.")
    form = cls.form_for(spec)  # type: ignore[attr-defined]
    if issubclass(form, SequenceModel):
        return _build_sequence(form, spec, size, hyperparameters)
    if issubclass(form, FieldModel):
        return _build_fields(form, spec, size, hyperparameters)
    if issubclass(form, ImageModel):
        return _build_image(form, spec, size, hyperparameters)
    raise UserError(
        f"Model {model_name(cls)} must subclass SequenceModel, FieldModel or ImageModel, or write its own build."
    )


def _build_sequence(cls: type[SequenceModel], spec: TaskSpec, size: Size, hyperparameters: Mapping[str, Any]) -> Built:
    of_row = LastHead if cls.pooling == "last" else RowHead
    causal, lift, make_head = spec.causal, None, PositionHead if spec.per_position else of_row
    match spec.inputs:
        case Tokens(vocab_size, length):
            embedding = TokenEmbedding(vocab_size, size.width)
        case Pair(Tokens(vocab_size, length)):
            embedding, make_head = PairEmbedding(vocab_size, size.width), PairHead
        case Series(channels, length):
            embedding = SeriesEmbedding(channels, size.width)
        case Image(channels, height, width):
            embedding, length, lift = RasterEmbedding(channels, size.width), height * width, "raster"
        case Fields():
            embedding, length = FieldsEmbedding(spec.inputs, size.width), field_count(spec.inputs)
            causal, lift = False, "fields-as-sequence"
    core = construct(cls, hyperparameters, width=size.width, depth=size.depth, causal=causal, length=length)
    return BuiltSequence(core, embedding, make_head(size.width, spec.n_outputs), size.width, lift, spec)


def _build_fields(cls: type, spec: TaskSpec, size: Size, hyperparameters: Mapping[str, Any]) -> Built:
    chunks = {Fields: NativeFields, Tokens: TokenChunks, Pair: TokenChunks, Series: SeriesChunks, Image: ImageChunks}
    view = WindowFields(spec) if spec.per_position else chunks[type(spec.inputs)](spec)
    offered = {"fields": view.fields, "outputs": spec.n_outputs, "spec": spec, "width": size.width, "depth": size.depth}
    return BuiltFields(construct(cls, hyperparameters, **offered), view, spec)


def _build_image(cls: type, spec: TaskSpec, size: Size, hyperparameters: Mapping[str, Any]) -> Built:
    offered = {"image": spec.inputs, "outputs": spec.n_outputs, "spec": spec, "width": size.width, "depth": size.depth}
    return BuiltImage(construct(cls, hyperparameters, **offered), None, spec)


def construct(cls: type, hyperparameters: Mapping[str, Any], **offered: Any) -> Any:
    """Make an instance with those of the `offered` arguments and hyperparameters that its ``__init__`` names."""
    parameters = init_parameters(cls)
    arguments = {name: value for name, value in hyperparameters.items() if name in parameters}
    for name, parameter in parameters.items():
        if name in offered:
            arguments[name] = offered[name]
        elif parameter.default is parameter.empty:
            raise UserError(
                f"Model {model_name(cls)}: __init__ asks for '{name}', which is neither a hyperparameter with "
                f"a default nor one of {', '.join(offered)}."
            )
    return cls(**arguments)
