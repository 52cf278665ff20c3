"""Errors that a user can fix."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class UserError(Exception):
    """A user's mistake; the message says what is wrong, what was found and how to fix it.

    Commands print the message without a traceback and exit with code 2.
    """


LONGEST_REASON = 400
"""Maximum number of characters of a reason in a record."""


def shortened(text: str) -> str:
    """Return a message as one line of at most `LONGEST_REASON` characters that can be written as UTF-8."""
    start = text[: 4 * LONGEST_REASON].encode(errors="replace").decode()
    line = " ".join(start.split())
    return line if len(line) <= LONGEST_REASON else f"{line[: LONGEST_REASON - 1]}…"


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """Return " Did you mean 'x'?" for the closest known name, or an empty string."""
    close = difflib.get_close_matches(name, list(known), n=1, cutoff=0.5)
    return f" Did you mean '{close[0]}'?" if close else ""


def unknown(kind: str, name: str, known: Iterable[str]) -> UserError:
    """Return an error that says that there is no such name, with the closest and all known ones."""
    names = list(known)
    return UserError(f"There is no {kind} '{name}'.{did_you_mean(name, names)} Known: {', '.join(names) or 'none'}.")


_NO_MEMORY = ("out of memory", "not enough memory", "allocate memory", "ALLOC_FAILED")
"""Out-of-memory messages of torch, CUDA and its libraries; "illegal memory access" is a different error."""


def is_out_of_memory(error: BaseException) -> bool:
    """Return whether an error means that CPU or GPU memory ran out."""
    return isinstance(error, MemoryError) or any(words in str(error) for words in _NO_MEMORY)
