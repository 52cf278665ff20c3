r"""Extract the answer of a solution from its last ``\boxed``."""

from __future__ import annotations

import re

_BOX = re.compile(r"\\(?:boxed|fbox)(?![A-Za-z])\s*")


def boxed_answer(solution: str) -> str | None:
    r"""Return the content of the last ``\boxed`` or ``\fbox`` of a solution, or None.

    Earlier boxes are intermediate results. Without braces (``\boxed 5``) the answer extends to the end
    of the formula. If the last box is not closed, there is no answer; earlier boxes are not used.
    """
    boxes = list(_BOX.finditer(solution))
    if not boxes:
        return None
    start = boxes[-1].end()
    if solution[start : start + 1] == "{":
        end = closing_brace(solution, start)
        return None if end is None else solution[start + 1 : end].strip()
    return re.split(r"[$\n]|\.\s|\\[\])]", solution[start:], maxsplit=1)[0].strip() or None


def closing_brace(text: str, start: int) -> int | None:
    r"""Return the index of the brace that closes the one at `start`, or None; ``\{`` and ``\}`` are ignored."""
    depth = 0
    for token in re.finditer(r"\\.|[{}]", text[start:], re.DOTALL):
        depth += {"{": 1, "}": -1}.get(token.group(), 0)
        if depth == 0 and token.group() == "}":
            return start + token.start()
    return None
