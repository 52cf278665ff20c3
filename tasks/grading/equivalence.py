r"""Mathematical equivalence of two answers, checked in layers from cheapest to most expensive.

1. Equal canonical forms (`archarena.tasks.grading.canonical`) are the same; different variables are not.
2. Rational numbers are compared exactly, so ``0.333333`` is not 1/3 and ``7.000000001`` is not 7.
3. Formulas are compared by value (`archarena.tasks.grading.numeric`), including degrees, roots of
   negative numbers and functions of variables.
4. Everything else, such as sets, intervals, relations, matrices and words, is left to Math-Verify.

Values count and units do not: 2/4 counts as 1/2, ``90^\circ``
as 90, ``12\text{ cm}`` as 12, ``50\%`` as 50 and not as 0.5, ``x<3`` as ``(-\infty,3)``, "no
solution" as the empty set, and ``y=2x+3`` as ``2x+3``.
"""

from __future__ import annotations

import re
from typing import Literal

from .canonical import canonical
from .numeric import same_value, value

Layer = Literal["none", "canonical", "rational", "value", "math-verify"]

LONGEST = 1_000
"""Maximum characters of an answer; longer ones are not compared."""

_ASSIGNED = re.compile(r"^\s*([A-Za-z]\w?)\s*=")
_RATIONAL = re.compile(r"-?\d+(?:/\d+)?")
_EMPTY = re.compile(r"\+?(?:no(real|integer)?solutions?|none|empty(set)?|\\emptyset|\\varnothing|\\\{\\\})")


def equivalent(gold: str, answer: str) -> tuple[bool, Layer]:
    """Return whether an answer is equivalent to the correct one, and the layer that decided.

    This may run very long on malicious input; call it through `archarena.tasks.grading.Grader`.
    """
    if not answer.strip() or not gold.strip() or max(len(gold), len(answer)) > LONGEST:
        return False, "none"
    if len({match[1] for match in map(_ASSIGNED.match, (gold, answer)) if match}) > 1:
        return False, "canonical"
    forms = canonical(gold), canonical(answer)
    if forms[0] == forms[1] or all(_EMPTY.fullmatch(form) for form in forms):
        return True, "canonical"
    if all(_RATIONAL.fullmatch(form) for form in forms):
        return False, "rational"
    return _same_value(gold, answer) or (_verified(gold, answer), "math-verify")


def _same_value(gold: str, answer: str) -> tuple[bool, Layer] | None:
    one, other = (value(_ASSIGNED.sub("", text)) for text in (gold, answer))
    if one is None or other is None:
        return None
    return one[1] == other[1] and same_value(one[0], other[0]), "value"


def _verified(gold: str, answer: str) -> bool:
    from math_verify import parse, verify

    parsed = [parse(f"${text}$", parsing_timeout=0) for text in (gold, answer)]
    return bool(verify(parsed[0], parsed[1], timeout_seconds=0))
