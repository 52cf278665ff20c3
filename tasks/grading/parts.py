r"""Split LaTeX answers at separators outside brackets: the members of lists and sets, coordinates, terms."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import accumulate

_TOKENS = re.compile(r"\\[A-Za-z]+|\\?.", re.DOTALL)
_GROUPS = {"(": 1, "[": 1, "{": 1, r"\{": 1, ")": -1, "]": -1, "}": -1, r"\}": -1}
_CLOSING = {"{": ("}",), r"\{": (r"\}",), "([": (")", "]")}


def pieces(text: str) -> Iterator[tuple[str, int]]:
    """Yield commands and single characters with their bracket depth."""
    depth = 0
    for token in _TOKENS.findall(text):
        depth += min(_GROUPS.get(token, 0), 0)
        yield token, depth
        depth += max(_GROUPS.get(token, 0), 0)


def deepest(text: str) -> int:
    """Return the largest depth of brackets, closed or not."""
    depths = accumulate(_GROUPS.get(token, 0) for token in _TOKENS.findall(text))
    return max(map(abs, depths), default=0)


def split(text: str, *separators: str) -> list[str]:
    """Split a text at separators outside brackets."""
    parts = [""]
    for token, depth in pieces(text):
        if token in separators and depth == 0:
            parts.append("")
        else:
            parts[-1] += token
    return parts


def members(text: str) -> list[str]:
    r"""Return the members of a list; one with ``\pm`` stands for two."""
    found = []
    for part in split(text, ",", ";"):
        if part.count(r"\pm") == 1:
            upper = part.replace(r"\pm", "+").replace(r"\mp", "-")
            lower = part.replace(r"\pm", "-").replace(r"\mp", "+")
            found += [upper.strip().removeprefix("+"), lower]
        else:
            found.append(part)
    return found


def bracketed(text: str, opening: str) -> str | None:
    r"""Return what is between brackets that enclose the whole text; None if there are none of this kind.

    Parameters
    ----------
    text
        An answer.
    opening
        ``{`` or ``\{`` for these, or ``([`` for round and square ones, also as a half-open interval.
    """
    starts = ("(", "[") if opening == "([" else (opening,)
    start = next((start for start in starts if text.startswith(start)), None)
    end = next((end for end in _CLOSING[opening] if text.endswith(end)), None)
    if start is None or end is None or len(text) < len(start) + len(end):
        return None
    inner = text[len(start) : len(text) - len(end)]
    return inner if all(depth >= 0 for _, depth in pieces(inner)) and not inner.endswith("\\") else None
