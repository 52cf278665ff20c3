r"""Finding the answer of a solution: what its last ``\boxed`` holds."""

from __future__ import annotations

import re

_BOX = re.compile(r"\\(?:boxed|fbox)(?![A-Za-z])\s*")


def boxed_answer(solution: str) -> str | None:
    r"""Return what the last ``\boxed`` or ``\fbox`` of a solution holds, or None.

    An earlier box is an intermediate result. Without braces (``\boxed 5``) the answer runs to the
    end of the formula. A box that never closes holds no answer, and no earlier one stands in.
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
    r"""Return where the brace that opens at `start` closes, or None; ``\{`` and ``\}`` do not count."""
    depth = 0
    for token in re.finditer(r"\\.|[{}]", text[start:], re.DOTALL):
        depth += {"{": 1, "}": -1}.get(token.group(), 0)
        if depth == 0 and token.group() == "}":
            return start + token.start()
    return None
