r"""The grader that MATH was published with: string equality after a fixed list of edits.

It knows little (``\frac{3}{4}`` and ``0.75`` differ, ``3`` and ``3 \text{ or } 4`` do not), and is
kept as it is so that scores can be laid beside older ones (Hendrycks et al. 2021).
"""

from __future__ import annotations

import re

_DELETED_FIRST = ("\n", r"\!")
_RENAMED = ((r"\\", "\\"), ("tfrac", "frac"), ("dfrac", "frac"))
_DELETED = (r"\left", r"\right", r"^{\circ}", r"^\circ", r"\$")
_UNIT = r"\text{ "


class _NotNormalisedError(ValueError):
    """The published edits give up on this text."""


def strictly_equal(gold: str, answer: str) -> bool:
    """Return whether two answers are the same text once both are normalised.

    Where the edits give up on either, the texts are compared as they stand.
    """
    try:
        return strict_form(gold) == strict_form(answer)
    except _NotNormalisedError:
        return gold == answer


def strict_form(text: str) -> str:
    """Return a text after the published edits, in their published order."""
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
    """Return what stands right of the only equals sign, where at most two characters stand left of it."""
    left, *right = text.split("=")
    return right[0] if len(right) == 1 and len(left) <= 2 else text


def _root_braces(text: str) -> str:
    return re.sub(r"\\sqrt([^{])", r"\\sqrt{\1}", text, flags=re.DOTALL)


def _fraction_braces(text: str) -> str:
    r"""Return ``\frac12`` with braces; a text whose fraction ends early stays as it is."""
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
