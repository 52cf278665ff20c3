"""Reading and checking the hyperparameters of a model class."""

from __future__ import annotations

import inspect
import math
from collections.abc import Mapping, Sequence
from typing import Any

from ..errors import UserError, did_you_mean
from ..text import shortened

DEEPEST = 256
"""Largest number of blocks that can be set."""


def hyperparameters_of(cls: type) -> dict[str, inspect.Parameter]:
    """Return the hyperparameters of a class and of its image form: keyword-only parameters with defaults."""
    return {
        name: parameter
        for form in (getattr(cls, "image_form", None), cls)
        if form is not None
        for name, parameter in init_parameters(form).items()
        if parameter.kind is parameter.KEYWORD_ONLY and parameter.default is not parameter.empty
    }


def check_grid(cls: type, grid: Mapping[str, Sequence[Any]]) -> None:
    """Raise `UserError` for an unknown hyperparameter or an invalid value, also of ``depth``."""
    for parameter, value in ((parameter, value) for parameter, values in grid.items() for value in values):
        if parameter == "depth":
            check_depth(cls, value)
        else:
            check_hyperparameters(cls, {parameter: value})


def check_hyperparameters(cls: type, hyperparameters: Mapping[str, Any]) -> None:
    """Raise `UserError` for an unknown hyperparameter or a value of the wrong type."""
    known = hyperparameters_of(cls)
    for name, value in hyperparameters.items():
        if name not in known:
            raise UserError(
                f"Model {model_name(cls)} has no hyperparameter '{name}'.{did_you_mean(name, known)} "
                f"Known: {', '.join(known) or 'none'}."
            )
        kind = kind_of(known[name])
        if not _is_of_kind(value, kind):
            found = shortened(repr(value), 80)
            raise UserError(f"Model {model_name(cls)}: hyperparameter '{name}' must be {kind}, found {found}.")
        _check_bounds(cls, name, value)


def _check_bounds(cls: type, name: str, value: Any) -> None:
    if not isinstance(value, int | float):
        return
    for form in (getattr(cls, "image_form", None), cls):
        low, high = getattr(form, "bounds", {}).get(name, (-math.inf, math.inf))
        if not low <= value <= high:
            found = shortened(str(value), 80)
            limits = f"from {low:,} to {high:,}"
            raise UserError(f"Model {model_name(cls)}: hyperparameter '{name}' must be {limits}, found {found}.")


def check_depth(cls: type, depth: Any) -> None:
    """Raise `UserError` for an invalid number of blocks, or a model without a depth."""
    if "depth" not in init_parameters(cls):
        raise UserError(f"Model {model_name(cls)} has no depth setting.")
    if not isinstance(depth, int) or isinstance(depth, bool) or not 1 <= depth <= DEEPEST:
        found = shortened(repr(depth), 80)
        raise UserError(f"Model {model_name(cls)}: depth must be a whole number from 1 to {DEEPEST}, found {found}.")


_TYPES = {"int": int, "float": (int, float), "str": str, "bool": bool, "None": type(None)}


def kind_of(parameter: inspect.Parameter) -> str:
    """Return a parameter's type, such as ``int | None``: its annotation, or else its default's type."""
    if parameter.annotation is parameter.empty:
        return type(parameter.default).__name__
    annotation = parameter.annotation
    return annotation if isinstance(annotation, str) else inspect.formatannotation(annotation)


def _is_of_kind(value: Any, kind: str) -> bool:
    """Return whether a value has one of the named types; always true if one is not a built-in scalar type."""
    names = [name.strip() for name in kind.split("|")]
    if not all(name in _TYPES for name in names):
        return True
    if isinstance(value, bool):
        return "bool" in names
    return any(isinstance(value, _TYPES[name]) for name in names)


def init_parameters(cls: type) -> dict[str, inspect.Parameter]:
    variable = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
    parameters = inspect.signature(cls).parameters
    return {name: parameter for name, parameter in parameters.items() if parameter.kind not in variable}


def model_name(cls: type) -> str:
    """Return a class's registered name, or its class name, in quotes."""
    return f"'{getattr(cls, 'registered_name', cls.__name__)}'"
