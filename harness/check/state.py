"""Global state that a plugin must not change."""

from __future__ import annotations

import os
import random
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch

from .findings import Finding


def _cudnn() -> tuple[bool, ...]:
    flags = torch.backends.cudnn
    return flags.enabled, flags.benchmark, flags.deterministic, flags.allow_tf32


def _set_cudnn(flags: tuple[bool, ...]) -> None:
    torch.backends.cudnn.set_flags(
        _enabled=flags[0], _benchmark=flags[1], _deterministic=flags[2], _allow_tf32=flags[3]
    )


def _silencers() -> list[Any]:
    """Return the filters that ignore warnings from all sources; libraries add narrower ones when imported."""
    return [entry for entry in warnings.filters if entry[0] == "ignore" and entry[1] is None and entry[3] is None]


def _drop_silencers(kept: list[Any]) -> None:
    added = [entry for entry in _silencers() if entry not in kept]
    assert isinstance(warnings.filters, list)
    warnings.filters[:] = [entry for entry in warnings.filters if entry not in added]


def _environment() -> dict[str, str]:
    """Return the environment without the variables that torch's lazy imports set."""
    return {name: value for name, value in os.environ.items() if not name.startswith(("TORCH", "TRITON", "KINETO"))}


def _set_environment(kept: dict[str, str]) -> None:
    for name in _environment().keys() - kept.keys():
        del os.environ[name]
    os.environ.update(kept)


SETTINGS: dict[str, tuple[Callable[[], Any], Callable[[Any], Any]]] = {
    "torch's default dtype": (torch.get_default_dtype, torch.set_default_dtype),
    "torch's default device": (torch.get_default_device, torch.set_default_device),
    "torch's number of threads": (torch.get_num_threads, torch.set_num_threads),
    "torch's gradient mode": (torch.is_grad_enabled, torch.set_grad_enabled),
    "torch's anomaly detection": (torch.is_anomaly_enabled, torch.autograd.set_detect_anomaly),
    "torch's deterministic flag": (torch.are_deterministic_algorithms_enabled, torch.use_deterministic_algorithms),
    "torch's matmul precision": (torch.get_float32_matmul_precision, torch.set_float32_matmul_precision),
    "cuDNN's configuration": (_cudnn, _set_cudnn),
    "NumPy's global generator": (lambda: repr(np.random.get_state()), lambda _: None),
    "Python's global generator": (random.getstate, random.setstate),
    "the list of warning filters": (_silencers, _drop_silencers),
    "the working directory": (Path.cwd, os.chdir),
    "the environment": (_environment, _set_environment),
}
"""Functions that read and restore a piece of global state, by its name."""


@dataclass
class StateWatch:
    """Records which settings were changed, and when, and restores them."""

    changes: dict[str, str] = field(default_factory=dict)

    @contextmanager
    def during(self, phase: str) -> Iterator[None]:
        """Watch the code inside the `with` block."""
        before = {name: read() for name, (read, _) in SETTINGS.items()}
        try:
            yield
        finally:
            for name, (read, restore) in SETTINGS.items():
                if read() != before[name]:
                    self.changes.setdefault(name, phase)
                    restore(before[name])

    def finding(self) -> Finding:
        if not self.changes:
            return Finding("global state", "ok", "unchanged")
        changed = "; ".join(f"{name} was changed ({phase})" for name, phase in self.changes.items())
        return Finding("global state", "failed", changed)
