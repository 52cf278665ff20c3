"""What is timed of each kernel: one file an operation, with its sizes, competitors and peers."""

from __future__ import annotations

import pkgutil
from collections.abc import Sequence
from importlib import import_module

from ...errors import UserError, did_you_mean
from ..workload import Workload

NAMES = tuple(sorted(module.name for module in pkgutil.iter_modules(__path__)))


def load(only: Sequence[str] = ()) -> list[Workload]:
    """Return the workloads of the named kernels, or of all.

    Raises
    ------
    UserError
        For a kernel without a workload.
    """
    for name in only:
        if name not in NAMES:
            raise UserError(f"There is no kernel '{name}'.{did_you_mean(name, NAMES)} Known: {', '.join(NAMES)}.")
    modules = (import_module(f".{name}", __package__) for name in only or NAMES)
    return [workload for module in modules for workload in module.WORKLOADS]
