"""Names of models, tasks, evaluations and arrays, which become parts of file names."""

from __future__ import annotations

import re

from ..errors import UserError
from ..text import shortened

LONGEST = 100


def check_name(kind: str, name: object) -> str:
    """Return `name`; raise `UserError` unless it has 1 to 100 letters, digits, ``-``, ``_`` and ``.``.

    Parameters
    ----------
    kind
        What is named, for the message.
    """
    if isinstance(name, str) and len(name) <= LONGEST and re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9_.-]*", name):
        return name
    raise UserError(
        f"The name of a {kind} must have 1 to {LONGEST} letters, digits, '-', '_' and '.', and start with a letter, "
        f"digit or '_': found {shortened(repr(name), 80)}."
    )
