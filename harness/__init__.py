"""The protocol: registry, specs, model and task contracts, running and records.

Names are loaded on first use, so importing this package imports neither torch nor NumPy.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .api import run as run
    from .errors import UserError as UserError
    from .metrics import Metric as Metric
    from .model import FieldModel as FieldModel
    from .model import Generator as Generator
    from .model import ImageModel as ImageModel
    from .model import ParamGroup as ParamGroup
    from .model import SequenceModel as SequenceModel
    from .registry import get_model as get_model
    from .registry import get_task as get_task
    from .registry import register_model as register_model
    from .registry import register_task as register_task
    from .spec import Binary as Binary
    from .spec import Classes as Classes
    from .spec import Fields as Fields
    from .spec import Image as Image
    from .spec import NextToken as NextToken
    from .spec import Pair as Pair
    from .spec import PerPosition as PerPosition
    from .spec import Regression as Regression
    from .spec import Series as Series
    from .spec import Size as Size
    from .spec import TaskSpec as TaskSpec
    from .spec import Tokens as Tokens
    from .task import Budget as Budget
    from .task import Decoding as Decoding
    from .task import Evaluation as Evaluation
    from .task import Level as Level
    from .task import Split as Split
    from .task import Splits as Splits
    from .task import Streams as Streams
    from .task import Task as Task
    from .trained import load_trained as load_trained

_HOMES = {
    "errors": ("UserError",),
    "metrics": ("Metric",),
    "model": ("FieldModel", "Generator", "ImageModel", "ParamGroup", "SequenceModel"),
    "registry": ("get_model", "get_task", "register_model", "register_task"),
    "api": ("run",),
    "spec": (
        "Binary", "Classes", "Fields", "Image", "NextToken", "Pair", "PerPosition",
        "Regression", "Series", "Size", "TaskSpec", "Tokens",
    ),
    "task": ("Budget", "Decoding", "Evaluation", "Level", "Split", "Splits", "Streams", "Task"),
    "trained": ("load_trained",),
}  # fmt: skip
_HOME_OF = {name: home for home, names in _HOMES.items() for name in names}


def __getattr__(name: str):
    if name not in _HOME_OF:
        raise AttributeError(f"module '{__name__}' has no attribute '{name}'")
    return getattr(import_module(f".{_HOME_OF[name]}", __name__), name)


def __dir__() -> list[str]:
    return sorted(_HOME_OF)
