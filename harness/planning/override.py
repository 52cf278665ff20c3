"""Overrides of a recipe, as in ``common[steps=500,learning_rates=0.003,0.01]``.

The name of an overridden recipe says what differs, and wherever recipes are named, in records, cell names and the
leaderboard's sections, it stands for a recipe of its own. So its results never share a column with others.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from ..errors import UserError, unknown
from ..text import shortened
from .recipe import Training

RECIPES = ("common", "published", "trade-off")
MOST_STEPS = 10**9
MOST_RATES = 5

_NAME = re.compile(r"([a-z-]+)\[(?:steps=(\d{1,10}))?,?(?:learning_rates=([0-9.e,+-]+))?\]")


@dataclass(frozen=True)
class Override:
    """A recipe with another number of steps or other learning rates.

    Attributes
    ----------
    recipe
        ``common``, ``published`` or ``trade-off``.
    steps
        Optimizer steps instead of the budget's, or None.
    learning_rates
        Learning rates to try instead of the recipe's; may be empty.

    Raises
    ------
    UserError
        For an unknown recipe, or for steps or learning rates outside their bounds.
    """

    recipe: str
    steps: int | None = None
    learning_rates: tuple[float, ...] = ()

    def __post_init__(self) -> None:
        if self.recipe not in RECIPES:
            raise unknown("recipe", self.recipe, RECIPES)
        if self.steps is not None and not 1 <= self.steps <= MOST_STEPS:
            raise UserError(f"--steps {self.steps}: use a number from 1 to {MOST_STEPS:,}.")
        rates = self.learning_rates
        if len(rates) > MOST_RATES or len(set(rates)) < len(rates) or not all(0 < rate < math.inf for rate in rates):
            given = ",".join(map(str, rates))
            raise UserError(
                f"--learning-rates {shortened(given)}: use up to {MOST_RATES} different positive numbers, as in "
                "0.001,0.003."
            )

    @classmethod
    def named(cls, name: str) -> Override:
        """Return the override with a name such as ``common`` or ``common[steps=500]``."""
        found = _NAME.fullmatch(name)
        if not found:
            return cls(name)
        recipe, steps, rates = found.groups()
        return cls(recipe, int(steps) if steps else None, learning_rates(rates or ""))

    @property
    def name(self) -> str:
        """Return the recipe with what it overrides in brackets, if anything."""
        changes = [f"steps={self.steps}"] if self.steps else []
        changes += [f"learning_rates={self._rates}"] if self.learning_rates else []
        return f"{self.recipe}[{','.join(changes)}]" if changes else self.recipe

    @property
    def options(self) -> list[str]:
        """Return the options of `archarena run` that ask for it."""
        words = [] if self.recipe == "common" else ["--recipe", self.recipe]
        words += ["--steps", str(self.steps)] if self.steps else []
        return words + (["--learning-rates", self._rates] if self.learning_rates else [])

    @property
    def _rates(self) -> str:
        return ",".join(map(repr, self.learning_rates))

    def applied(self, training: Training) -> Training:
        """Return how a cell is trained with these steps and learning rates."""
        if self.learning_rates:
            training = replace(training, recipe=replace(training.recipe, learning_rates=self.learning_rates))
        return replace(training, steps=self.steps, epochs=None) if self.steps else training


def learning_rates(text: str) -> tuple[float, ...]:
    """Return the learning rates in a text such as ``0.001,0.003``; raise `UserError` if one is not a number."""
    try:
        return tuple(float(rate) for rate in text.split(",")) if text else ()
    except ValueError:
        raise UserError(f"--learning-rates {shortened(text)}: use numbers such as 0.001,0.003.") from None


def override_name(recipe: str, steps: int | None, rates: Sequence[float]) -> str:
    """Return the name of a recipe with the given steps and learning rates; None and () change nothing."""
    base = Override.named(recipe)
    return Override(
        base.recipe, base.steps if steps is None else steps, tuple(map(float, rates)) or base.learning_rates
    ).name
