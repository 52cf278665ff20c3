"""Errors that a user can fix."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

from .text import shortened


class UserError(Exception):
    """A user's mistake; the message says what is wrong, what was found and how to fix it.

    Commands print the message without a traceback and exit with code 2.
    """


class StoppedError(Exception):
    """The user has stopped a command with Ctrl-C; the message says what is kept. Commands exit with code 130."""


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """Return " Did you mean 'x'?" for the closest known name, or an empty string."""
    close = difflib.get_close_matches(shortened(name), list(known), n=1, cutoff=0.5)
    return f" Did you mean '{close[0]}'?" if close else ""


def unknown(kind: str, name: str, known: Iterable[str]) -> UserError:
    """Return an error that says that there is no such name, with the closest and all known ones."""
    names, shown = list(known), shortened(name)
    return UserError(f"There is no {kind} '{shown}'.{did_you_mean(shown, names)} Known: {', '.join(names) or 'none'}.")


_NO_MEMORY = ("out of memory", "not enough memory", "allocate memory", "ALLOC_FAILED")
"""Out-of-memory messages of torch, CUDA and its libraries; "illegal memory access" is a different error."""


def is_out_of_memory(error: BaseException) -> bool:
    """Return whether an error means that CPU or GPU memory ran out."""
    return isinstance(error, MemoryError) or any(words in str(error) for words in _NO_MEMORY)
