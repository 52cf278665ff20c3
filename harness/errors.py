"""Errors that a user can mend."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class UserError(Exception):
    """A mistake told in one sentence: what was wrong, what was found, what to do.

    Commands print the sentence without a traceback and exit with code 2.
    """


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """Return " Did you mean 'x'?" for the closest known name, or an empty string."""
    close = difflib.get_close_matches(name, list(known), n=1, cutoff=0.5)
    return f" Did you mean '{close[0]}'?" if close else ""


_NO_MEMORY = ("out of memory", "not enough memory", "allocate memory", "ALLOC_FAILED")
"""What torch, and CUDA and its libraries, say where memory ends; "illegal memory access" is another thing."""


def is_out_of_memory(error: BaseException) -> bool:
    """Return whether there was no memory left, of this machine or of its GPU."""
    return isinstance(error, MemoryError) or any(words in str(error) for words in _NO_MEMORY)
