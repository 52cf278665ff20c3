r"""Mathematical equivalence of two answers, checked in layers from cheapest to most expensive.

1. Equal texts, or equal canonical forms (`archarena.tasks.grading.canonical`), are the same; different variables
   and different bases are not.
2. Rational numbers are compared exactly, so ``0.333333`` is not 1/3 and ``7.000000001`` is not 7. Only a decimal
   with at least 15 significant digits, as computers print it, counts as the fraction that it rounds.
3. Formulas are compared by value (`archarena.tasks.grading.numeric`), including degrees, roots of
   negative numbers and functions of variables.
4. Lists, sets, tuples, intervals and unions of formulas are compared member by member.
5. Everything else, such as relations, matrices and words, is left to Math-Verify.

Values count and units do not: 2/4 counts as 1/2, ``90^\circ``
as 90, ``12\text{ cm}`` and ``12 cm`` as 12, ``50\%`` as 50 and not as 0.5, ``x<3`` as ``(-\infty,3)``, "no
solution" as the empty set, and ``y=2x+3`` as ``2x+3``. A number with a base counts as the same digits without a base.
"""

from __future__ import annotations

import re
from fractions import Fraction
from typing import Literal

from .canonical import canonical, comparable
from .notation import plain
from .numeric import same_value, value
from .parts import bracketed, members, split

Layer = Literal["none", "canonical", "rational", "value", "members", "math-verify"]

_ASSIGNED = re.compile(r"^\s*([A-Za-z]\w?(?:_\{?\w+\}?)?)(?:\([A-Za-z]\))?\s*=(?!=)")
_RATIONAL = re.compile(r"-?\d+(?:/\d+)?")
_EMPTY = re.compile(r"\+?(?:no(real|integer)?solutions?|none|empty(set)?|\\emptyset|\\varnothing|\\\{\\\})")
_BASED = re.compile(r"(-?[\dA-Z]*\d[\dA-Z]*(?:\.[\dA-Z]+)?)_\{?(\d+)\}?\.?")
_RELATION = re.compile(r"[<>]|\\(?:[lg]eq?|[lg]t|neq?|leqslant|geqslant)(?![A-Za-z])")
_OR = re.compile(r"\\(?:text|mbox|textrm)\s*\{\s*,?\s*or\s*\}|(?<![A-Za-z\\])or(?![A-Za-z])|\\lor(?![A-Za-z])")
_LISTED, _TIGHT_COMMA = re.compile(r"\d,\s+[-\d]"), re.compile(r"(?<=\d),(?=\d)")
_MOST_MEMBERS = 64
_PRINTED_DIGITS = 15


def equivalent(gold: str, answer: str) -> tuple[bool, Layer]:
    """Return whether an answer is equivalent to the correct one, and the layer that decided.

    This may run very long on malicious input; call it through `archarena.tasks.grading.Grader`.
    """
    if not answer.strip() or not gold.strip() or not (comparable(gold) and comparable(answer)):
        return False, "none"
    if gold.strip() == answer.strip():
        return True, "canonical"
    same, layer = _compared(gold, answer)
    if not same and _LISTED.search(gold) and _TIGHT_COMMA.search(answer):
        same, layer = _compared(gold, _TIGHT_COMMA.sub(", ", answer))
    return same, layer


def _compared(gold: str, answer: str) -> tuple[bool, Layer]:
    texts = _with_decimal_point(plain(gold), plain(answer))
    if (same := _same_numeral(*texts)) is not None:
        return same, "canonical"
    if _assigned_differently(*texts):
        return False, "canonical"
    forms = canonical(texts[0]), canonical(texts[1])
    if forms[0] == forms[1] or all(_EMPTY.fullmatch(form) for form in forms):
        return True, "canonical"
    if all(_RATIONAL.fullmatch(form) for form in forms):
        return _rounds(*texts, *map(Fraction, forms)), "rational"
    if (same := _same_value(*texts)) is not None:
        return same, "value"
    if (same := _same_members(*texts)) is not None:
        return same, "members"
    return _same_union(gold, answer) or _verified(*texts), "math-verify"


def _with_decimal_point(gold: str, answer: str) -> tuple[str, str]:
    """Write the answer with a decimal point if it is a number with a comma and the correct one has a point."""
    if re.fullmatch(r"-?\d*\.\d+", gold) and re.fullmatch(r"-?\d+,\d+", answer):
        return gold, answer.replace(",", ".")
    return gold, answer


def _same_numeral(gold: str, answer: str) -> bool | None:
    """Compare numbers of which at least one has an explicit base; None if none has."""
    texts = [re.sub(r"\s|^\(|\)$", "", _ASSIGNED.sub("", text)) for text in (gold, answer)]
    numerals = [_BASED.fullmatch(text) for text in texts]
    if not any(numerals):
        return None
    bases = {int(numeral[2]) for numeral in numerals if numeral}
    digits = [numeral[1] if numeral else text for numeral, text in zip(numerals, texts, strict=True)]
    return len(bases) == 1 and canonical(digits[0]) == canonical(digits[1])


def _assigned_differently(gold: str, answer: str) -> bool:
    if max(gold.count("="), answer.count("=")) > 1:
        return False
    return len({match[1] for match in map(_ASSIGNED.match, (gold, answer)) if match}) > 1


def _rounds(gold: str, answer: str, one: Fraction, other: Fraction) -> bool:
    """Return whether one text is a long decimal, and the other a fraction that only rounds to it."""
    for text, decimal, exact in ((gold, one, other), (answer, other, one)):
        places = re.fullmatch(r"[^.]*\.(\d+)\s*", text)
        if places is None:
            continue
        digits = len(re.sub(r"\D", "", text).lstrip("0"))
        endless = (10 ** len(places[1])) * exact % 1 != 0
        if digits >= _PRINTED_DIGITS and endless and abs(decimal - exact) < Fraction(1, 10 ** len(places[1])):
            return True
    return False


def _same_value(gold: str, answer: str) -> bool | None:
    one, other = (value(_ASSIGNED.sub("", text)) for text in (gold, answer))
    return None if one is None or other is None else same_value(one, other)


def _same_members(gold: str, answer: str) -> bool | None:
    """Compare lists, sets, tuples, intervals or unions; None if they are not, or this cannot decide."""
    groups = _group(gold), _group(answer)
    if groups[0] is None or groups[1] is None:
        return None
    (kind, ones), (other_kind, others) = groups
    if kind != other_kind:
        return None if "unordered" in (kind, other_kind) else False
    if len(ones) != len(others) or len(ones) > _MOST_MEMBERS:
        return None
    verdicts = [[_same_member(one, other) for other in others] for one in ones]
    if kind == "unordered":
        same = _matched([[verdict is True for verdict in row] for row in verdicts])
    else:
        same = all(row[place] is True for place, row in enumerate(verdicts))
    return same or (False if all(verdict is not None for row in verdicts for verdict in row) else None)


def _group(text: str) -> tuple[str, list[str]] | None:
    """Return the members of a group and its kind: "unordered", or the brackets of a tuple or an interval."""
    text = _ASSIGNED.sub("", text, count=1).strip() if len(split(text, ",", ";")) == 1 else text.strip()
    for opening in ("{", r"\{"):
        if (inner := bracketed(text, opening)) is not None:
            return "unordered", members(inner)
    if len(parts := members(text)) > 1 or len(parts := split(text, r"\cup")) > 1:
        return "unordered", parts
    if (inner := bracketed(text, "([")) is not None and len(parts := split(inner, ",", ";")) > 1:
        return text[0] + text[-1], parts
    return None


def _same_member(one: str, other: str) -> bool | None:
    """Compare two members without Math-Verify; None if this cannot decide."""
    if _assigned_differently(one, other):
        return False
    one, other = (_ASSIGNED.sub("", text) for text in (one, other))
    if canonical(one) == canonical(other):
        return True
    if (same := _same_value(one, other)) is not None:
        return same
    return _same_members(one, other)


def _matched(fits: list[list[bool]]) -> bool:
    """Return whether each row can have a column of its own that fits."""
    owner: dict[int, int] = {}

    def place(row: int, tried: set[int]) -> bool:
        for column, fit in enumerate(fits[row]):
            if fit and column not in tried:
                tried.add(column)
                if column not in owner or place(owner[column], tried):
                    owner[column] = row
                    return True
        return False

    return all(place(row, set()) for row in range(len(fits)))


def _same_union(gold: str, answer: str) -> bool:
    r"""Compare a union of intervals with relations joined by "or", such as ``x<1 \text{ or } x>2``."""
    for union, relations in ((gold, answer), (answer, gold)):
        ones = split(plain(_ASSIGNED.sub("", union)), r"\cup")
        others = [plain(part).strip(" ,") for part in _OR.split(relations)]
        if 1 < len(ones) == len(others) and all(_RELATION.search(part) for part in others):
            return _matched([[_verified(one, other) for other in others] for one in ones])
    return False


def _verified(gold: str, answer: str) -> bool:
    from math_verify import parse, verify

    lines = (text.replace(r"\cr ", r"\\ ") for text in (gold, answer))
    parsed = [parse(f"${text}$", parsing_timeout=0) for text in lines]
    return bool(verify(parsed[0], parsed[1], timeout_seconds=0, allow_set_relation_comp=True))
