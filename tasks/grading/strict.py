r"""MATH's published grader: string equality after a fixed list of edits (Hendrycks et al. 2021).

It is crude (``\frac{3}{4}`` and ``0.75`` differ, ``3`` and ``3 \text{ or } 4`` do not) and kept
unchanged so that scores are comparable with older ones.
"""

from __future__ import annotations

import re

_DELETED_FIRST = ("\n", r"\!")
_RENAMED = ((r"\\", "\\"), ("tfrac", "frac"), ("dfrac", "frac"))
_DELETED = (r"\left", r"\right", r"^{\circ}", r"^\circ", r"\$")
_UNIT = r"\text{ "


class _NotNormalisedError(ValueError):
    """The published edits do not apply to this text."""


def strictly_equal(gold: str, answer: str) -> bool:
    """Return whether two answers are the same string after normalization.

    If the edits do not apply to one of them, the original strings are compared.
    """
    try:
        return strict_form(gold) == strict_form(answer)
    except _NotNormalisedError:
        return gold == answer


def strict_form(text: str) -> str:
    """Apply the published edits in their published order."""
    for part in _DELETED_FIRST:
        text = text.replace(part, "")
    for old, new in _RENAMED:
        text = text.replace(old, new)
    for part in _DELETED:
        text = text.replace(part, "")
    text = _without_unit(text).replace(r"\%", "")
    text = text.replace(" .", " 0.").replace("{.", "{0.")
    if text.startswith("."):
        text = "0" + text
    text = _root_braces(_right_side(text)).replace(" ", "")
    text = _fraction_braces(text)
    return r"\frac{1}{2}" if text == "0.5" else _slash_as_fraction(text)


def _without_unit(text: str) -> str:
    before, *after = text.split(_UNIT)
    if len(after) > 1:
        raise _NotNormalisedError
    return before


def _right_side(text: str) -> str:
    """Drop the left side of the only equals sign if it has at most two characters."""
    left, *right = text.split("=")
    return right[0] if len(right) == 1 and len(left) <= 2 else text


def _root_braces(text: str) -> str:
    return re.sub(r"\\sqrt([^{])", r"\\sqrt{\1}", text, flags=re.DOTALL)


def _fraction_braces(text: str) -> str:
    r"""Add braces to ``\frac12``; a text with an incomplete fraction stays unchanged."""
    head, *tails = text.split(r"\frac")
    braced = [head]
    for tail in tails:
        if tail.startswith("{"):
            braced.append(tail)
        elif len(tail) < 2:
            return text
        elif tail[1] == "{":
            braced.append(f"{{{tail[0]}}}{tail[1:]}")
        else:
            braced.append(f"{{{tail[0]}}}{{{tail[1]}}}{tail[2:]}")
    return r"\frac".join(braced)


def _slash_as_fraction(text: str) -> str:
    number = r"(0|-?[1-9]\d*)"
    return re.sub(rf"\A{number}/{number}\Z", r"\\frac{\1}{\2}", text)
