r"""A canonical form of LaTeX answers, for comparing them.

It covers MATH's own normalization (spacing, ``\left``, ``\dfrac``, units, ``\frac12``; Hendrycks et
al. 2021, appendix) and more: rational numbers are exact in any notation; lists, sets and sums ignore
order, while tuples and intervals keep it. Notational variants (``50\%`` and ``50``, ``x=5`` and
``5``, ``10_8`` and ``10``) count as the same, so that no variant of the correct answer is offered as
a wrong option.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from fractions import Fraction

from .boxed import closing_brace

_MARKS = (
    (r"\\\\", r"\\cr "),
    (r"\\[dtc]frac", r"\\frac"),
    (r"\\(?:left|right|big|Big|bigg|Bigg)(?![A-Za-z])", ""),
    (r"\\[!,;: ]|~|\\q?quad(?![A-Za-z])", " "),
    (r"\^\s*(?:\\circ|\{\s*\\circ\s*\})|\\degree|\\?[$%]", ""),
    (r"[bvV]matrix", "pmatrix"),
    (r"\\(?:text|mbox|textrm)\s*\{\s*(?:or|and)\s*\}", ","),
    (r"\{,\}", ""),
)
_SHORTHAND = (
    (r"\s+", ""),
    (r"^[A-Za-z]\w?(?:\([A-Za-z]\))?(?:=|\\in(?![a-z]))", ""),
    (r"(?<=\d)_(?:\d+|\{\d+\})$", ""),
    (r"\\sqrt([^\[{\\])", r"\\sqrt{\1}"),
    (r"\\frac([^{\\])", r"\\frac{\1}"),
    (r"(\\frac\{[^{}]*\})([^{\\])", r"\1{\2}"),
    (r"(?<!\d)\.(?=\d)", "0."),
    (r"^(-?)([^/(),+-]+)/([^/(),+-]+)$", r"\1\\frac{\2}{\3}"),
    (r"[.,]$", ""),
)
_WORDS = re.compile(r"\\(?:text|mbox|textbf|textrm|textit|mathrm|mathbf)\s*\{([^{}]*)\}(?:\s*\^\s*(?:\d|\{\d\}))?")
_NUMBER = r"\d+(?:\.\d+)?"
_GROUPS = {"(": 1, "[": 1, "{": 1, r"\{": 1, ")": -1, "]": -1, "}": -1, r"\}": -1}
_LARGEST_POWER = 1_000


def canonical(answer: str) -> str:
    """Return a string that is the same for equivalent answers."""
    for pattern, replacement in _MARKS:
        answer = re.sub(pattern, replacement, answer)
    answer = _without_words(answer)
    for pattern, replacement in _SHORTHAND:
        answer = re.sub(pattern, replacement, answer)
    if re.fullmatch(r"-?\d{1,3}(?:,\d{3})+(?:\.\d+)?", answer):
        answer = answer.replace(",", "")
    return _form(answer).lower()


def _without_words(text: str) -> str:
    """Drop words next to formulas (mostly units); keep answers that are only words."""
    rest = _WORDS.sub(" ", text)
    if re.search(r"\w", rest):
        return rest
    return re.sub(r"[\s().]", "", _WORDS.sub(r"\1", text)).lower()


def _form(text: str) -> str:
    if text.startswith("{") and closing_brace(text, 0) == len(text) - 1:
        return _form(text[1:-1])
    number = rational(text)
    if number is not None:
        return str(number)
    for separator in (",", r"\cup"):
        if len(parts := _split(text, separator)) > 1:
            return separator.join(sorted(_form(part) for part in parts))
    if (group := re.fullmatch(r"(\\\{|[(\[])(.*?)(\\\}|[)\]])", text, re.DOTALL)) and _balanced(group[2]):
        parts = [_form(part) for part in _split(group[2], ",")]
        return group[1] + ",".join(sorted(parts) if group[1] == r"\{" else parts) + group[3]
    if text.startswith(r"\pm"):
        return ",".join(sorted((_form(text[3:]), _form("-" + text[3:]))))
    return "".join(sorted(_terms(text)))


def rational(text: str) -> Fraction | None:
    """Parse a text without spaces as a rational number; return None if it is not one."""
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
    if abs(int(exponent)) > _LARGEST_POWER or (Fraction(base) == 0 and int(exponent) < 0):
        return None
    return Fraction(factor or 1) * Fraction(base) ** int(exponent)


_RATIONALS = (
    (rf"({_NUMBER})", Fraction),
    (r"(\d+)?\\frac\{([^{}]*)\}\{([^{}]*)\}", _fraction),
    (r"(\d+)\.(\d*)\\overline\{(\d+)\}", _repeating),
    (rf"(?:({_NUMBER})(?:\\times|\\cdot))?({_NUMBER})\^\{{?(-?\d+)\}}?", _power),
)


def _pieces(text: str) -> Iterator[tuple[str, int]]:
    """Yield commands and single characters with their bracket depth."""
    depth = 0
    for token in re.findall(r"\\[A-Za-z]+|\\?.", text, re.DOTALL):
        depth += min(_GROUPS.get(token, 0), 0)
        yield token, depth
        depth += max(_GROUPS.get(token, 0), 0)


def _balanced(text: str) -> bool:
    return all(depth >= 0 for _, depth in _pieces(text))


def _split(text: str, separator: str) -> list[str]:
    """Split a text at separators outside brackets."""
    parts = [""]
    for token, depth in _pieces(text):
        if token == separator and depth == 0:
            parts.append("")
        else:
            parts[-1] += token
    return parts


def _terms(text: str) -> list[str]:
    """Return the signed terms of a sum; any other text is one term."""
    terms = [""]
    for token, depth in _pieces(text):
        if token in "+-" and depth == 0 and terms[-1]:
            terms.append("")
        terms[-1] += token
    return [term if term.startswith("-") else "+" + term.removeprefix("+") for term in terms]
