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


@dataclass(frozen=True)
class Setting:
    """One piece of global state, with functions to read and restore it."""

    name: str
    read: Callable[[], Any]
    restore: Callable[[Any], Any]


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


SETTINGS = (
    Setting("torch's default dtype", torch.get_default_dtype, torch.set_default_dtype),
    Setting("torch's default device", torch.get_default_device, torch.set_default_device),
    Setting("torch's number of threads", torch.get_num_threads, torch.set_num_threads),
    Setting("torch's gradient mode", torch.is_grad_enabled, torch.set_grad_enabled),
    Setting("torch's anomaly detection", torch.is_anomaly_enabled, torch.autograd.set_detect_anomaly),
    Setting(
        "torch's deterministic flag", torch.are_deterministic_algorithms_enabled, torch.use_deterministic_algorithms
    ),
    Setting("torch's matmul precision", torch.get_float32_matmul_precision, torch.set_float32_matmul_precision),
    Setting("cuDNN's configuration", _cudnn, _set_cudnn),
    Setting("NumPy's global generator", lambda: repr(np.random.get_state()), lambda _: None),
    Setting("Python's global generator", random.getstate, random.setstate),
    Setting("the list of warning filters", _silencers, _drop_silencers),
    Setting("the working directory", Path.cwd, os.chdir),
    Setting("the environment", _environment, _set_environment),
)


@dataclass
class StateWatch:
    """Records which settings were changed, and when, and restores them."""

    changes: dict[str, str] = field(default_factory=dict)

    @contextmanager
    def during(self, phase: str) -> Iterator[None]:
        """Watch the code inside the `with` block."""
        before = [setting.read() for setting in SETTINGS]
        try:
            yield
        finally:
            for setting, old in zip(SETTINGS, before, strict=True):
                if setting.read() != old:
                    self.changes.setdefault(setting.name, phase)
                    setting.restore(old)

    def finding(self) -> Finding:
        """Return a finding that lists the changes."""
        if not self.changes:
            return Finding("global state", "ok", "unchanged")
        changed = "; ".join(f"{name} was changed ({phase})" for name, phase in self.changes.items())
        return Finding("global state", "failed", changed)
