"""Sizing: find the width at which a model's body matches the tier's body size."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import torch

from ..contract.hyperparameters import model_name
from ..contract.model import Model
from ..contract.scan import describe
from ..contract.spec import Size, TaskSpec
from ..errors import UserError
from ..planning.tier import SIZE_TOLERANCE
from .build import build

WIDEST = 1 << 16
"""Largest width searched."""


@dataclass(frozen=True)
class Fit:
    """The result of a search for a width.

    Attributes
    ----------
    slack
        Name and value of the hyperparameter that was adjusted in addition to the width; often empty.
    body
        Number of body parameters at this size.
    target
        Requested number of body parameters.
    fixed
        Whether the model's ``fixed_width`` was used.
    """

    width: int
    slack: dict[str, int] = field(default_factory=dict)
    body: int = 0
    target: int = 0
    fixed: bool = False

    @property
    def deviation(self) -> float:
        """Return the relative deviation from the requested body size."""
        return self.body / self.target - 1 if self.target else 0.0

    @property
    def fair(self) -> bool:
        """Return whether the body is within 5 % of the requested body size."""
        return abs(self.deviation) <= SIZE_TOLERANCE

    @property
    def refusal(self) -> str:
        """Return why a cell of this size cannot run, or an empty string."""
        if self.fair or self.fixed:
            return ""
        adjusted = "".join(f" and {name} {value}" for name, value in self.slack.items())
        return (
            f"The body has {self.body:,} parameters at width {self.width}{adjusted}, the nearest to the "
            f"{self.target:,} of the tier: {100 * self.deviation:+,.1f} %, but at most "
            f"{100 * SIZE_TOLERANCE:.0f} % is allowed. A model whose size is fixed must set fixed_width."
        )


_fits: dict[tuple[Any, ...], Fit] = {}


def fit_width(cls: type[Model], spec: TaskSpec, depth: int, target: int, hyperparameters: Mapping[str, Any]) -> Fit:
    """Return the size whose body has the number of parameters closest to `target`, using the meta device.

    A model with a ``fixed_width`` has that width.

    The width is a multiple of the model's ``width_multiple``. If the closest one deviates by more than
    5 %, the hyperparameter named by the model's ``slack`` is adjusted too, unless the user set it.

    Raises
    ------
    UserError
        If the model cannot be built at a width that the search tries.
    """
    key = (cls, spec, depth, target, repr(sorted(hyperparameters.items())))
    if key not in _fits:
        _fits[key] = _fit(cls, spec, depth, target, hyperparameters)
    return _fits[key]


def _fit(cls: type[Model], spec: TaskSpec, depth: int, target: int, hyperparameters: Mapping[str, Any]) -> Fit:
    def measure(width: int, **slack: int) -> Fit:
        body = count_body(cls, spec, Size(width, depth), {**hyperparameters, **slack})
        return Fit(width, slack, body, target)

    form = cls.form_for(spec)
    if form.fixed_width is not None:
        return replace(measure(form.fixed_width), fixed=True)
    step = form.width_multiple
    below, above = _bracket(lambda units: measure(units * step), WIDEST // step)
    best = _nearest(below, above)
    name = form.slack
    if best.fair or name is None or name in hyperparameters:
        return best
    for width in (below.width, above.width):
        best = _nearest(best, *_bracket(lambda value, width=width: measure(width, **{name: value}), WIDEST))
    return best


def _bracket(measure: Callable[[int], Fit], last: int) -> tuple[Fit, Fit]:
    """Return the closest fits below and above the requested body size; the count must grow with the argument.

    Both are the same fit if even the smallest is too large or if `last` is reached.
    """
    low, high = 1, 2
    below, above = measure(low), measure(high)
    if below.deviation >= 0:
        return below, below
    while above.deviation < 0:
        if 2 * high > last:
            return below, below
        low, below = high, above
        high, above = 2 * high, measure(2 * high)
    while high - low > 1:
        middle = (low + high) // 2
        found = measure(middle)
        if found.deviation < 0:
            low, below = middle, found
        else:
            high, above = middle, found
    return below, above


def _nearest(*fits: Fit) -> Fit:
    return min(fits, key=lambda fit: abs(fit.deviation))


def count_body(cls: type[Model], spec: TaskSpec, size: Size, hyperparameters: Mapping[str, Any]) -> int:
    """Return the number of parameters in a model's body, without allocating them.

    Raises
    ------
    UserError
        If the model cannot be built at this size.
    """
    try:
        with torch.device("meta"):
            model = build(cls, spec, size, **hyperparameters)
    except UserError:
        raise
    except Exception as error:
        raise UserError(
            f"Model {model_name(cls)} cannot be built at width {size.width} and depth {size.depth} "
            f"on torch's meta device, where tensors have no values: {describe(error)}."
        ) from error
    return sum(parameter.numel() for parameter in model.body_parameters())
