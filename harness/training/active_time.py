"""A clock that does not advance while the process is stopped, as by SIGSTOP or a frozen container."""

from __future__ import annotations

import threading
import time
from functools import cache

_TICK_SECONDS = 0.1

_GAP_SECONDS = 0.5
"""A stop shorter than this is not noticed."""

_BUSY = 0.2
"""Share of a gap with processor time above which the process was busy, as in an operation that holds the GIL."""


def active_time() -> float:
    """Return a time in seconds, without the time that the process was stopped since the first call."""
    return time.perf_counter() - stopped_seconds()


def stopped_seconds() -> float:
    """Return how long the process was stopped since the first call."""
    return _watch().look()


class _Watch:
    """Notes the time in a thread. If no note was made for long and the process did not compute, it was stopped."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._stopped = 0.0
        self._noted, self._computed = time.perf_counter(), time.process_time()
        threading.Thread(target=self._tick, daemon=True).start()

    def look(self) -> float:
        with self._lock:
            now, computed = time.perf_counter(), time.process_time()
            gap, busy = now - self._noted, computed - self._computed
            if gap > _GAP_SECONDS and busy < _BUSY * gap:
                self._stopped += gap - busy
            self._noted, self._computed = now, computed
            return self._stopped

    def _tick(self) -> None:
        while True:
            time.sleep(_TICK_SECONDS)
            self.look()


_watch = cache(_Watch)
