"""Build runnable modules from registered model classes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..contract.hyperparameters import check_hyperparameters, init_parameters, model_name
from ..contract.model import FieldModel, ImageModel, Model, SequenceModel
from ..contract.spec import Fields, Image, Labels, Pair, Series, Size, TaskSpec, Tokens
from ..errors import UserError
from .heads import LabelsHead, LastHead, PairEmbedding, PairHead, PositionHead, RowHead, SeriesEmbedding, TokenEmbedding
from .lifts import (
    FieldsEmbedding,
    ImageChunks,
    NativeFields,
    RasterEmbedding,
    SeriesChunks,
    TokenChunks,
    TwoDirections,
    WindowFields,
    field_count,
)
from .module import Built, BuiltFields, BuiltImage, BuiltSequence


def build(cls: type, spec: TaskSpec, size: Size, /, **hyperparameters: Any) -> Built:
    """Return a module that takes the task's inputs and returns its outputs.

    Parameters
    ----------
    cls
        A registered model class. Its own `build` is used if it defines one, else `assemble`.

    Raises
    ------
    UserError
        If the class is not a subclass of a harness model, a hyperparameter is unknown or has the wrong type,
        the model does not support the task, the model's ``__init__`` has a parameter that the
        harness cannot provide, or its own `build` does not return a `Built`.
    """
    if not issubclass(cls, Model):
        raise UserError(f"Model {model_name(cls)} must subclass SequenceModel, FieldModel or ImageModel.")
    if cls.build is None:
        return assemble(cls, spec, size, **hyperparameters)
    built = cls.build(spec, size, **hyperparameters)
    if not isinstance(built, Built):
        raise UserError(f"build() of model {model_name(cls)} returned {type(built).__name__}, not a Built.")
    return built


def assemble(cls: type[Model], spec: TaskSpec, size: Size, /, **hyperparameters: Any) -> Built:
    """Return the usual module: an embedding or lift, the model, and a head; see `build`."""
    check_hyperparameters(cls, hyperparameters)
    reason = cls.supports(spec)
    if reason:
        raise UserError(f"Model {model_name(cls)} does not support this task: {reason}")
    if spec.per_position and isinstance(spec.inputs, Pair | Fields):
        raise UserError(
            f"{type(spec.inputs).__name__} inputs have no positions, so the task cannot have one output per position."
        )
    if isinstance(spec.outputs, Labels) and isinstance(spec.inputs, Pair):
        raise UserError("Pair inputs are joined in a head for one output per row, so the task cannot have Labels.")
    form = cls.form_for(spec)
    if issubclass(form, SequenceModel):
        return _build_sequence(form, spec, size, hyperparameters)
    if issubclass(form, FieldModel):
        return _build_fields(form, spec, size, hyperparameters)
    if issubclass(form, ImageModel):
        return _build_image(form, spec, size, hyperparameters)
    raise UserError(f"Model {model_name(cls)} must subclass SequenceModel, FieldModel or ImageModel.")


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
    offered = {"width": size.width, "depth": size.depth, "causal": causal or cls.causal_only, "length": length}
    core = construct(cls, hyperparameters, **offered)
    if cls.causal_only and not causal:
        core = TwoDirections(core, construct(cls, hyperparameters, **offered))
        lift = f"{lift}, two-directions" if lift else "two-directions"
    labels = spec.outputs if isinstance(spec.outputs, Labels) else None
    head = LabelsHead(size.width, labels) if labels else make_head(size.width, spec.n_outputs)
    return BuiltSequence(core, embedding, head, size.width, lift, spec)


def _build_fields(cls: type, spec: TaskSpec, size: Size, hyperparameters: Mapping[str, Any]) -> Built:
    chunks = {Fields: NativeFields, Tokens: TokenChunks, Pair: TokenChunks, Series: SeriesChunks, Image: ImageChunks}
    view = WindowFields(spec) if spec.per_position else chunks[type(spec.inputs)](spec)
    offered = {"fields": view.fields, "outputs": spec.n_outputs, "spec": spec, "width": size.width, "depth": size.depth}
    return BuiltFields(construct(cls, hyperparameters, **offered), view, spec)


def _build_image(cls: type, spec: TaskSpec, size: Size, hyperparameters: Mapping[str, Any]) -> Built:
    offered = {"image": spec.inputs, "outputs": spec.n_outputs, "spec": spec, "width": size.width, "depth": size.depth}
    return BuiltImage(construct(cls, hyperparameters, **offered), None, spec)


def construct(cls: type, hyperparameters: Mapping[str, Any], **offered: Any) -> Any:
    """Create an instance, passing the hyperparameters and `offered` arguments that its ``__init__`` names."""
    parameters = init_parameters(cls)
    arguments = {name: value for name, value in hyperparameters.items() if name in parameters}
    for name, parameter in parameters.items():
        if name in offered:
            arguments[name] = offered[name]
        elif parameter.default is parameter.empty:
            raise UserError(
                f"Model {model_name(cls)}: the __init__ parameter '{name}' is neither a hyperparameter with "
                f"a default nor one of {', '.join(offered)}."
            )
    return cls(**arguments)
