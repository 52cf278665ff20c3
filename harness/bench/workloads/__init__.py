"""What is timed of each kernel: its sizes, competitors and peers."""

from __future__ import annotations

import pkgutil
from collections.abc import Sequence
from importlib import import_module

from ...errors import UserError, did_you_mean
from ..workload import Workload


def load(only: Sequence[str] = ()) -> list[Workload]:
    """Return the workloads of the named kernels, or of all.

    Raises
    ------
    UserError
        For a kernel without a workload.
    """
    modules = (import_module(f".{module.name}", __package__) for module in pkgutil.iter_modules(__path__))
    workloads = sorted((w for module in modules for w in module.WORKLOADS), key=lambda w: w.kernel)
    known = list(dict.fromkeys(w.kernel for w in workloads))
    for name in only:
        if name not in known:
            raise UserError(f"There is no kernel '{name}'.{did_you_mean(name, known)} Known: {', '.join(known)}.")
    return [w for w in workloads if not only or w.kernel in only]
