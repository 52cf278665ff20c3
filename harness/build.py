"""From a registered class to a runnable module."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from typing import Any

from .built import Built, BuiltFields, BuiltImage, BuiltSequence
from .errors import UserError, did_you_mean
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
from .model import FieldModel, ImageModel, SequenceModel, model_name
from .spec import Fields, Image, Pair, Series, Size, TaskSpec, Tokens


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
    of_row = LastHead if cls.reads == "last" else RowHead
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
    parameters = _init_parameters(cls)
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


def hyperparameters_of(cls: type) -> dict[str, Any]:
    """Return the model's hyperparameters with their defaults: its keyword-only arguments."""
    return {name: parameter.default for name, parameter in _hyperparameters(cls).items()}


def _hyperparameters(cls: type) -> dict[str, inspect.Parameter]:
    return {
        name: parameter
        for form in (getattr(cls, "image_form", None), cls)
        if form is not None
        for name, parameter in _init_parameters(form).items()
        if parameter.kind is parameter.KEYWORD_ONLY and parameter.default is not parameter.empty
    }


def check_hyperparameters(cls: type, hyperparameters: Mapping[str, Any]) -> None:
    """Raise `UserError` for a hyperparameter the model does not have, or a value of another type."""
    known = _hyperparameters(cls)
    for name, value in hyperparameters.items():
        if name not in known:
            raise UserError(
                f"Model {model_name(cls)} has no hyperparameter '{name}'.{did_you_mean(name, known)} "
                f"Known: {', '.join(known) or 'none'}."
            )
        kind = _kind_of(known[name])
        if not _is_of_kind(value, kind):
            raise UserError(f"Model {model_name(cls)}: hyperparameter '{name}' must be {kind}, found {value!r}.")


def check_depth(cls: type, depth: Any) -> None:
    """Raise `UserError` for a number of blocks that is none, or a model that asks for none."""
    if "depth" not in _init_parameters(cls):
        raise UserError(f"Model {model_name(cls)} takes no depth.")
    if not isinstance(depth, int) or isinstance(depth, bool) or depth < 1:
        raise UserError(f"Model {model_name(cls)}: depth must be a whole number of blocks, found {depth!r}.")


_TYPES = {"int": int, "float": (int, float), "str": str, "bool": bool, "None": type(None)}


def _kind_of(parameter: inspect.Parameter) -> str:
    """Return what a parameter takes, such as ``int | None``: as annotated, else its default's type."""
    if parameter.annotation is parameter.empty:
        return type(parameter.default).__name__
    annotation = parameter.annotation
    return annotation if isinstance(annotation, str) else inspect.formatannotation(annotation)


def _is_of_kind(value: Any, kind: str) -> bool:
    """Return whether a value is of one of the named types; any value is, where one is not plain."""
    names = [name.strip() for name in kind.split("|")]
    if not all(name in _TYPES for name in names):
        return True
    if isinstance(value, bool):
        return "bool" in names
    return any(isinstance(value, _TYPES[name]) for name in names)


def _init_parameters(cls: type) -> dict[str, inspect.Parameter]:
    variable = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
    parameters = inspect.signature(cls).parameters
    return {name: parameter for name, parameter in parameters.items() if parameter.kind not in variable}
