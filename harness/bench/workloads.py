"""Finds the workloads of the kernels, in ``workload.py`` of each operation."""

from __future__ import annotations

import pkgutil
from collections.abc import Sequence
from importlib import import_module

from ... import kernels
from ...kernels.workload import Workload
from ..errors import unknown


def load(only: Sequence[str] = ()) -> list[Workload]:
    """Return the workloads of the named kernels, by default of all; raise `UserError` for an unknown name."""
    names = sorted(module.name for module in pkgutil.iter_modules(kernels.__path__) if module.ispkg)
    for name in only:
        if name not in names:
            raise unknown("kernel", name, names)
    modules = (import_module(f"{kernels.__name__}.{name}.workload") for name in names if not only or name in only)
    return [workload for module in modules for workload in module.WORKLOADS]
