"""Model cards: a model's description and its published recipes, stored next to its source file.

A card is ``cards/NAME.toml`` in the folder of the model's source file; NAME is the registered
name::

    multiplies = "One or two sentences: which quantities the model multiplies."
    deviations = ["One sentence each: a difference from the paper, or a choice the paper does not specify."]
    strengths = "One sentence."                    # optional
    equation = "h_t = a_t h_{t-1} + x_t; y_t = h_t"   # optional: formulas, separated by semicolons

    [published.lra-listops]                        # optional: the paper's recipe for that task
    citation = "arXiv:2111.00396, Table 8"
    read_from = ["state-spaces/s4@e757cef:configs/experiment/lra/s4-listops.yaml"]
    width = 80                                     # as in `Size`
    depth = 6
    hyperparameters = { d_state = 16 }
    steps = 90000                                  # or epochs = 60
    batch = 64
    recipe = { learning_rate = 1e-3, schedule = "linear", warmup_steps = 3000, dropout = 0.1 }

A recipe's keys are the fields of `archarena.harness.planning.recipe.Recipe`, except that
``learning_rate`` (a number or a list) replaces ``learning_rates``, and ``dropout`` sets the model's
hyperparameter of that name. Defaults: AdamW, no weight decay, no warm-up, no clipping, cosine to
zero. ``read_from`` lists what the settings were read from: ``OWNER/REPOSITORY@COMMIT:FILE``, or
``arXiv:NUMBERvVERSION:PLACE`` where the authors published no code.
"""

from __future__ import annotations

import tomllib
from dataclasses import fields
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError, model_validator

from ..errors import UserError, did_you_mean
from .recipe import Recipe

_READ_FROM = r"^([\w.-]+/[\w.-]+@[0-9a-f]{7,40}|arXiv:\d{4}\.\d{5}v\d+):\S.*$"
_RECIPE_KEYS = {field.name for field in fields(Recipe)} - {"name", "learning_rates"} | {"learning_rate", "dropout"}


class Published(BaseModel):
    """A paper's training setup for one task."""

    model_config = ConfigDict(extra="forbid")

    citation: str
    read_from: list[Annotated[str, Field(pattern=_READ_FROM)]] = Field(default_factory=list)
    width: int = Field(gt=0)
    depth: int = Field(gt=0)
    hyperparameters: dict[str, Any] = Field(default_factory=dict)
    steps: int | None = Field(default=None, gt=0)
    epochs: int | None = Field(default=None, gt=0)
    batch: int = Field(gt=0)
    recipe: Recipe

    @model_validator(mode="before")
    @classmethod
    def _read_recipe(cls, values: Any) -> Any:
        if not isinstance(values, dict) or not isinstance(values.get("recipe"), dict):
            return values
        given = dict(values["recipe"])
        unknown = sorted(given.keys() - _RECIPE_KEYS)
        if unknown:
            raise ValueError(f"recipe has no key '{unknown[0]}'.{did_you_mean(unknown[0], _RECIPE_KEYS)}")
        hyperparameters = dict(values.get("hyperparameters", {}))
        if "dropout" in given:
            hyperparameters["dropout"] = given.pop("dropout")
        rates = given.pop("learning_rate", ())
        rates = tuple(rates) if isinstance(rates, list) else (rates,)
        recipe = TypeAdapter(Recipe).validate_python({"name": "published", "learning_rates": rates, **given})
        return {**values, "hyperparameters": hyperparameters, "recipe": recipe}

    @model_validator(mode="after")
    def _has_one_length(self) -> Published:
        if (self.steps is None) == (self.epochs is None):
            raise ValueError("give either steps or epochs")
        if self.recipe.separate_batch and self.epochs is not None:
            raise ValueError("with separate_batch, give steps, not epochs")
        if not self.recipe.learning_rates or min(self.recipe.learning_rates) <= 0:
            raise ValueError("recipe needs a learning_rate above 0")
        return self


class Card(BaseModel):
    """Information about a model for pages and plans, in addition to its decorator's arguments."""

    model_config = ConfigDict(extra="forbid")

    multiplies: str
    equation: str = ""
    deviations: list[str] = Field(default_factory=list)
    strengths: str = ""
    published: dict[str, Published] = Field(default_factory=dict)


def load_card(name: str, source_path: Path) -> Card | None:
    """Return the card of the model registered as `name` in the file `source_path`, or None if it has none.

    Raises `UserError` for an unreadable or invalid card.
    """
    path = source_path.parent / "cards" / f"{name}.toml"
    if not path.is_file():
        return None
    try:
        return Card.model_validate(tomllib.loads(path.read_text(encoding="utf-8")))
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"])
        message = first["msg"].removeprefix("Value error, ").rstrip(".")
        raise UserError(f"The card {path} is invalid: {place + ': ' if place else ''}{message}.") from None
    except (OSError, ValueError) as error:
        raise UserError(f"The card {path} cannot be read: {error}.") from None
