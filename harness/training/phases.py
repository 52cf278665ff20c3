"""Where the time of a trial goes: seconds per phase, measured in the trial's own process."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import wraps
from typing import Literal, ParamSpec, TypeVar

Phase = Literal["set up", "train", "validate", "predict", "measure"]

_P = ParamSpec("_P")
_R = TypeVar("_R")

_seconds: dict[str, float] = {}
_nested: list[float] = []
"""For each phase that is running, the seconds of the phases within it."""


def phase(name: Phase) -> Callable[[Callable[_P, _R]], Callable[_P, _R]]:
    """Count the time of a function's calls, without that of other phases within them."""

    def decorate(function: Callable[_P, _R]) -> Callable[_P, _R]:
        @wraps(function)
        def timed(*arguments: _P.args, **options: _P.kwargs) -> _R:
            began = time.perf_counter()
            _nested.append(0.0)
            try:
                return function(*arguments, **options)
            finally:
                taken = time.perf_counter() - began
                _seconds[name] = _seconds.get(name, 0.0) + taken - _nested.pop()
                if _nested:
                    _nested[-1] += taken

        return timed

    return decorate


def take_seconds() -> dict[str, float]:
    """Return the seconds per phase since the last call."""
    taken = dict(_seconds)
    _seconds.clear()
    return taken
