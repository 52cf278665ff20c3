"""The harness: registry, specs, model and task contracts, running and records.

Names are imported on first use, so importing this package imports neither torch nor NumPy.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .api import run as run
    from .assembly.build import assemble as assemble
    from .assembly.build import build as build
    from .assembly.module import Built as Built
    from .assembly.module import BuiltSequence as BuiltSequence
    from .assembly.trained import load_trained as load_trained
    from .contract.data_source import DataSource as DataSource
    from .contract.evaluation import Decoding as Decoding
    from .contract.evaluation import Evaluation as Evaluation
    from .contract.evaluation import ReferenceScore as ReferenceScore
    from .contract.metrics import IGNORE as IGNORE
    from .contract.metrics import Metric as Metric
    from .contract.metrics import RowValues as RowValues
    from .contract.model import FieldModel as FieldModel
    from .contract.model import Generator as Generator
    from .contract.model import ImageModel as ImageModel
    from .contract.model import ParamGroup as ParamGroup
    from .contract.model import SequenceModel as SequenceModel
    from .contract.model import State as State
    from .contract.registry import get_model as get_model
    from .contract.registry import get_task as get_task
    from .contract.registry import register_model as register_model
    from .contract.registry import register_task as register_task
    from .contract.spec import Binary as Binary
    from .contract.spec import Classes as Classes
    from .contract.spec import Fields as Fields
    from .contract.spec import Image as Image
    from .contract.spec import NextToken as NextToken
    from .contract.spec import Pair as Pair
    from .contract.spec import PerPosition as PerPosition
    from .contract.spec import Regression as Regression
    from .contract.spec import Series as Series
    from .contract.spec import Size as Size
    from .contract.spec import TaskSpec as TaskSpec
    from .contract.spec import Tokens as Tokens
    from .contract.task import Budget as Budget
    from .contract.task import Split as Split
    from .contract.task import Splits as Splits
    from .contract.task import Streams as Streams
    from .contract.task import Task as Task
    from .data.seeds import generator as generator
    from .errors import UserError as UserError
    from .training.generate import read_text as read_text
    from .training.least_squares import fit_head as fit_head
    from .training.rows import Rows as Rows

_HOMES = {
    "api": ("run",),
    "assembly.module": ("Built", "BuiltSequence"),
    "assembly.build": ("assemble", "build"),
    "assembly.trained": ("load_trained",),
    "contract.data_source": ("DataSource",),
    "contract.evaluation": ("Decoding", "Evaluation", "ReferenceScore"),
    "contract.metrics": ("IGNORE", "Metric", "RowValues"),
    "contract.model": ("FieldModel", "Generator", "ImageModel", "ParamGroup", "SequenceModel", "State"),
    "contract.registry": ("get_model", "get_task", "register_model", "register_task"),
    "contract.spec": (
        "Binary", "Classes", "Fields", "Image", "NextToken", "Pair", "PerPosition",
        "Regression", "Series", "Size", "TaskSpec", "Tokens",
    ),
    "contract.task": ("Budget", "Split", "Splits", "Streams", "Task"),
    "data.seeds": ("generator",),
    "errors": ("UserError",),
    "training.generate": ("read_text",),
    "training.least_squares": ("fit_head",),
    "training.rows": ("Rows",),
}  # fmt: skip
_HOME_OF = {name: home for home, names in _HOMES.items() for name in names}


def __getattr__(name: str):
    if name not in _HOME_OF:
        raise AttributeError(f"module '{__name__}' has no attribute '{name}'")
    return getattr(import_module(f".{_HOME_OF[name]}", __name__), name)


def __dir__() -> list[str]:
    return sorted(_HOME_OF)
