"""The harness: registry, specs, model and task contracts, running and records.

Names are imported on first use, so importing this package imports neither torch nor NumPy.
"""

# ruff: noqa: F401

from __future__ import annotations

import ast
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .api import run
    from .assembly.build import assemble, build
    from .assembly.module import Built, BuiltSequence
    from .assembly.trained import load_trained
    from .contract.data_source import DataSource
    from .contract.evaluation import Decoding, Evaluation, ReferenceScore
    from .contract.metrics import IGNORE, Metric, RowValues
    from .contract.model import FieldModel, Generator, ImageModel, ParamGroup, SequenceModel, State
    from .contract.registry import get_model, get_task, register_model, register_task
    from .contract.spec import (
        Binary,
        Classes,
        Fields,
        Image,
        Labels,
        NextToken,
        Pair,
        PerPosition,
        Regression,
        Series,
        Size,
        TaskSpec,
        Tokens,
    )
    from .contract.task import Budget, Split, Splits, Streams, Task
    from .data.data_set import DataSet
    from .data.hub import Hub
    from .data.seeds import generator
    from .errors import UserError
    from .training.generate import read_text
    from .training.least_squares import fit_head
    from .training.rows import Rows
    from .training.scored_rows import test_rows


@cache
def _homes() -> dict[str, str]:
    """Return the module of each public name, read from the imports above, which do not run."""
    tree = ast.parse(Path(__file__).read_text(encoding="utf-8"))
    imports = [node for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) and node.level]
    return {alias.name: f".{node.module}" for node in imports for alias in node.names}


def __getattr__(name: str):
    if name not in _homes():
        raise AttributeError(f"module '{__name__}' has no attribute '{name}'")
    return getattr(import_module(_homes()[name], __name__), name)


def __dir__() -> list[str]:
    return sorted(_homes())
