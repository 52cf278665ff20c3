r"""A canonical form of LaTeX answers, for comparing them.

It covers MATH's own normalization (spacing, ``\left``, ``\dfrac``, units, ``\frac12``; Hendrycks et
al. 2021, appendix) and more: rational numbers are exact in any notation; lists, sets and sums ignore
order, while tuples and intervals keep it; ``\pm`` is a list of two. Notational variants (``50\%`` and
``50``, ``x=5`` and ``5``) count as the same. Numbers in different bases differ.
"""

from __future__ import annotations

import re
from fractions import Fraction

from .notation import plain
from .parts import bracketed, deepest, members, pieces, split

LONGEST = 1_000
"""Maximum characters of an answer; longer ones are not compared, and are their own canonical form."""

DEEPEST = 50
"""Maximum depth of brackets in an answer; deeper ones are treated like longer ones."""

_SHORTHAND = (
    (r"[bvV]matrix", "pmatrix"),
    (r"\^\s*(?:\\circ|\{\s*\\circ\s*\})|\\degree|\s+", ""),
    (r"^[A-Za-z]\w?(?:\([A-Za-z]\))?(?:=|\\in(?![a-z]))", ""),
    (r"(?<=\w)_\{?(\d+)\}?$", r"_\1"),
    (r"\\sqrt([^\[{\\])", r"\\sqrt{\1}"),
    (r"\\frac([^{\\])", r"\\frac{\1}"),
    (r"(\\frac\{[^{}]*\})([^{\\])", r"\1{\2}"),
    (r"(?<!\d)\.(?=\d)", "0."),
    (r"^(-?)([^/(),+-]+)/([^/(),+-]+)$", r"\1\\frac{\2}{\3}"),
    (r"[.,]$", ""),
)
_NUMBER = r"\d+(?:\.\d+)?"
_LARGEST_POWER = 1_000


def comparable(answer: str) -> bool:
    """Return whether an answer is short and flat enough to be compared."""
    return len(answer) <= LONGEST and deepest(answer) <= DEEPEST


def canonical(answer: str) -> str:
    """Return a string that is the same for equivalent answers."""
    if not comparable(answer):
        return answer.strip()
    answer = plain(answer)
    for pattern, replacement in _SHORTHAND:
        answer = re.sub(pattern, replacement, answer)
    return _form(answer).lower()


def _form(text: str) -> str:
    if (inner := bracketed(text, "{")) is not None:
        return _form(inner)
    number = rational(text)
    if number is not None:
        return str(number)
    if (inner := bracketed(text, r"\{")) is not None:
        return r"\{" + ",".join(sorted(map(_form, members(inner)))) + r"\}"
    if len(parts := members(text)) > 1:
        return ",".join(sorted(map(_form, parts)))
    if len(parts := split(text, r"\cup")) > 1:
        return r"\cup".join(sorted(map(_form, parts)))
    if (inner := bracketed(text, "([")) is not None:
        return text[0] + ",".join(map(_form, split(inner, ",", ";"))) + text[-1]
    return "".join(sorted(_terms(text)))


def rational(text: str) -> Fraction | None:
    """Parse a text without spaces as a rational number; return None if it is not one, or is very large."""
    if text[:1] in ("-", "+") and text[1:2] not in ("-", "+"):
        number = rational(text[1:])
        return number if number is None or text[0] == "+" else -number
    for pattern, value in _RATIONALS:
        if match := re.fullmatch(pattern, text):
            return value(*match.groups())
    return None


def _fraction(whole: str | None, above: str, below: str) -> Fraction | None:
    numerator, denominator = rational(above), rational(below)
    if numerator is None or not denominator:
        return None
    return Fraction(whole or 0) + numerator / denominator


def _repeating(whole: str, fixed: str, period: str) -> Fraction:
    ones = 10 ** len(period) - 1
    return Fraction(f"{whole}.{fixed or 0}") + Fraction(int(period), ones * 10 ** len(fixed))


def _power(factor: str | None, base: str, exponent: str) -> Fraction | None:
    if abs(int(exponent)) * len(base) > _LARGEST_POWER or (Fraction(base) == 0 and int(exponent) < 0):
        return None
    return Fraction(factor or 1) * Fraction(base) ** int(exponent)


_RATIONALS = (
    (rf"({_NUMBER})", Fraction),
    (r"(\d+)?\\frac\{([^{}]*)\}\{([^{}]*)\}", _fraction),
    (r"(\d+)\.(\d*)\\overline\{(\d+)\}", _repeating),
    (rf"(?:({_NUMBER})(?:\\times|\\cdot))?({_NUMBER})\^\{{?(-?\d+)\}}?", _power),
)


def _terms(text: str) -> list[str]:
    """Return the signed terms of a sum; any other text is one term."""
    terms = [""]
    for token, depth in pieces(text):
        if token in "+-" and depth == 0 and terms[-1]:
            terms.append("")
        terms[-1] += token
    return [term if term.startswith("-") else "+" + term.removeprefix("+") for term in terms]
