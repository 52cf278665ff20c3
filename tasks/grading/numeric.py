r"""Values of answers: a small parser that evaluates LaTeX formulas.

It supports sums, products (also implicit ones), quotients, powers, roots, factorials, binomials,
logarithms and trigonometric functions (in degrees if the answer uses them) over complex numbers.
Integers and fractions are exact; everything else has at least 50 digits. Letters are variables with fixed, arbitrary
values, so two formulas with equal values are almost certainly the same function.
"""

from __future__ import annotations

import hashlib
import math
import re
from collections.abc import Callable
from fractions import Fraction
from typing import Any, NamedTuple

import mpmath

LONGEST = 300
"""Maximum characters of an evaluated answer; this also bounds the recursion depth."""

_MP = mpmath.MPContext()
_DIGITS, _MOST_DIGITS, _GUARD = 50, 8_000, 10
_DECIMAL_TOLERANCE = _MP.mpf("1e-10")
"""Relative tolerance when one of the formulas has decimals, which may be rounded."""

_LARGEST_BITS = 20_000
_LARGEST_FACTORIAL = 2_100

_TOKENS = re.compile(r"\\[A-Za-z]+|\d+(?:\.\d+)?|\.\d+|[A-Za-z]|\S")
_DEGREE = re.compile(r"\^\s*(?:\\circ|\{\s*\\circ\s*\})")
_TIMES, _OVER = ("*", r"\cdot", r"\times"), ("/", r"\div")
_CONSTANTS = {r"\pi": _MP.pi, "e": _MP.e, "i": _MP.mpc(0, 1)}
_FRACTIONS = (r"\frac", r"\dfrac", r"\tfrac", r"\cfrac")

Number = Any
"""A Fraction, or an mpmath number if the value is not known to be rational."""

_TURNING: dict[str, Callable[[Number], Number]] = {
    r"\sin": _MP.sin,
    r"\cos": _MP.cos,
    r"\tan": _MP.tan,
    r"\cot": _MP.cot,
    r"\sec": _MP.sec,
    r"\csc": _MP.csc,
}
_FUNCTIONS: dict[str, Callable[[Number], Number]] = _TURNING | {
    r"\arcsin": _MP.asin,
    r"\arccos": _MP.acos,
    r"\arctan": _MP.atan,
    r"\ln": _MP.log,
    r"\log": _MP.log10,
    r"\exp": _MP.exp,
}


class Value(NamedTuple):
    """The value of a formula.

    Attributes
    ----------
    number
        A Fraction if the formula is rational, else an mpmath number.
    variables
        The letters in the formula.
    scale
        Size of the largest rounded term of a sum; differences far below it are rounding errors.
    digits
        Decimal digits of the computation, enough to see a difference of 1 in a large number.
    decimal
        Whether the formula has decimals.
    """

    number: Number
    variables: frozenset[str]
    scale: Number
    digits: int
    decimal: bool


def value(answer: str) -> Value | None:
    """Return the value of an answer, or None if it is not a single formula."""
    if len(answer) > LONGEST:
        return None
    try:
        result = _evaluate(answer, _DIGITS)
        if isinstance(result.number, Fraction):
            return result
        size = max(result.scale, abs(result.number))
        if size > 10**_GUARD:
            result = _evaluate(answer, _DIGITS + int(_MP.log10(size)))
    except (ValueError, ArithmeticError, RecursionError):
        return None
    return result if _MP.isfinite(result.number) else None


def _evaluate(text: str, digits: int) -> Value:
    if digits > _MOST_DIGITS:
        raise ValueError(digits)
    formula = _Formula(_DEGREE.sub(r"\\degree ", text))
    with _MP.workdps(digits):
        number = formula.whole()
    return Value(number, frozenset(formula.variables), formula.scale, digits, formula.decimal)


def same_value(one: Value, other: Value) -> bool:
    """Return whether two values of the same variables are equal: exactly if both are rational, else up to rounding."""
    if one.variables != other.variables:
        return False
    if isinstance(one.number, Fraction) and isinstance(other.number, Fraction):
        return one.number == other.number
    digits = [value.digits for value in (one, other) if not isinstance(value.number, Fraction)]
    with _MP.workdps(max(digits)):
        left, right = _inexact(one.number), _inexact(other.number)
        rounding = _MP.mpf(10) ** (_GUARD - min(digits))
        tolerance = _DECIMAL_TOLERANCE if one.decimal or other.decimal else rounding
        return bool(
            abs(left - right) <= tolerance * max(abs(left), abs(right)) + rounding * max(one.scale, other.scale)
        )


def _inexact(number: Number) -> Number:
    if isinstance(number, Fraction):
        return _MP.mpf(number.numerator) / number.denominator
    return _MP.mpmathify(number)


def _power(base: Number, exponent: Number) -> Number:
    if isinstance(exponent, Fraction) and exponent.denominator == 1:
        if isinstance(base, Fraction):
            bits = max(base.numerator.bit_length(), base.denominator.bit_length()) * abs(exponent.numerator)
            if bits <= _LARGEST_BITS or abs(base) == 1:
                return base ** (exponent.numerator if abs(base) != 1 else exponent.numerator % 2)
        if abs(exponent) <= _LARGEST_BITS:
            return _inexact(base) ** exponent.numerator
    elif base == 0 or abs(_inexact(exponent)) <= _LARGEST_BITS:
        return _inexact(base) ** _inexact(exponent)
    raise ValueError(exponent)


class _Formula:
    """The tokens of a formula and a position in them; each method returns the value of what it parses."""

    def __init__(self, text: str):
        self.tokens = [match.group() for match in _TOKENS.finditer(text)]
        self.at = 0
        self.in_degrees = False
        self.variables: set[str] = set()
        self.scale = _MP.mpf(0)
        self.decimal = False

    @property
    def next(self) -> str:
        return self.tokens[self.at] if self.at < len(self.tokens) else ""

    def take(self, *expected: str) -> str:
        token = self.next
        if not token or (expected and token not in expected):
            raise ValueError(token)
        self.at += 1
        return token

    def whole(self) -> Number:
        result = self.sum()
        if self.next:
            raise ValueError(self.next)
        return result

    def sum(self) -> Number:
        total = self.signed_product()
        while self.next in ("+", "-"):
            total = self.plus(total, self.signed_product())
        return total

    def plus(self, one: Number, other: Number) -> Number:
        if isinstance(one, Fraction) and isinstance(other, Fraction):
            return one + other
        one, other = _inexact(one), _inexact(other)
        self.scale = max(self.scale, abs(one), abs(other))
        return one + other

    def signed_product(self) -> Number:
        sign = 1
        while self.next in ("+", "-"):
            sign = -sign if self.take() == "-" else sign
        return sign * self.product()

    def product(self) -> Number:
        result = self.power()
        while self.next:
            if self.next in _TIMES:
                self.take()
                result = _times(result, self.factor_after_sign())
            elif self.next in _OVER:
                self.take()
                result = _over(result, self.factor_after_sign())
            elif self.next in "+-)}]":
                break
            else:
                result = _times(result, self.power())
        return result

    def factor_after_sign(self) -> Number:
        if self.next == "-":
            self.take()
            return -self.power()
        return self.power()

    def power(self) -> Number:
        result = self.atom()
        while self.next in ("^", "!", r"\degree"):
            token = self.take()
            if token == "^":
                result = _power(result, self.group())
            elif token == "!":
                result = Fraction(math.factorial(_whole(result, _LARGEST_FACTORIAL)))
            else:
                self.in_degrees = True
        return result

    def group(self) -> Number:
        """Parse a command's argument: braces, or a single token (one digit of a number)."""
        if self.next == "{":
            return self.bracketed()
        if self.next == "-":
            return self.factor_after_sign()
        if self.next.isdigit() and len(self.next) > 1:
            digits = self.next
            self.tokens[self.at : self.at + 1] = [digits[0], digits[1:]]
        return self.atom()

    def bracketed(self) -> Number:
        closing = {"{": "}", "(": ")", "[": "]"}[self.take("{", "(", "[")]
        result = self.sum()
        self.take(closing)
        return result

    def atom(self) -> Number:
        token = self.next
        if token in ("(", "{", "["):
            return self.bracketed()
        self.take()
        if token[:1].isdigit() or token.startswith("."):
            return self.number(token)
        if token in _FRACTIONS:
            return _over(self.group(), self.group())
        if token == r"\sqrt":
            return self.root()
        if token == r"\binom":
            above, below = self.group(), self.group()
            return Fraction(math.comb(_whole(above, 1000), _whole(below, 1000)))
        if token in _FUNCTIONS:
            return self.function(token)
        return self.letter(token)

    def number(self, digits: str) -> Number:
        r"""Parse a number, or a mixed number such as ``1\frac{1}{2}``."""
        mixed = re.match(r"\\[dt]?frac \{ (\d+) \} \{ (\d+) \}", " ".join(self.tokens[self.at : self.at + 7]))
        if mixed and digits.isdigit():
            self.at += 7
            return int(digits) + Fraction(int(mixed[1]), int(mixed[2]))
        self.decimal |= "." in digits
        return Fraction(digits)

    def root(self) -> Number:
        degree = self.bracketed() if self.next == "[" else Fraction(2)
        under = self.group()
        if isinstance(under, Fraction) and under < 0 and degree == 3:
            return -_power(-under, Fraction(1, 3))
        return _power(under, _over(Fraction(1), degree))

    def function(self, name: str) -> Number:
        exponent, base = Fraction(1), None
        while self.next in ("^", "_"):
            if self.take() == "^":
                exponent = self.group()
            else:
                base = self.group()
        outer, self.in_degrees = self.in_degrees, False
        argument = _inexact(self.bracketed() if self.next in ("(", "{") else self.argument())
        if name == r"\exp" and abs(argument) > _LARGEST_BITS:
            raise ValueError(name)
        if self.in_degrees and name in _TURNING:
            argument *= _MP.pi / 180
        self.in_degrees = outer
        self.scale = max(self.scale, _MP.mpf(1))
        result = _MP.log(argument) / _MP.log(_inexact(base)) if base is not None else _FUNCTIONS[name](argument)
        return 1 / result if name in _TURNING and exponent == -1 else _power(result, exponent)

    def argument(self) -> Number:
        r"""Parse a function's argument without brackets: adjacent factors, as in ``\sin 2x``."""
        result = self.power()
        while self.next and self.next not in "+-)}]" and self.next not in (*_TIMES, *_OVER, *_FUNCTIONS):
            result = _times(result, self.power())
        return result

    def letter(self, token: str) -> Number:
        if token in _CONSTANTS:
            return +_CONSTANTS[token]
        if not re.fullmatch(r"[A-Za-z]|\\(?:alpha|beta|gamma|theta|phi|omega|lambda)", token):
            raise ValueError(token)
        self.variables.add(token)
        digest = hashlib.sha256(token.encode()).digest()
        return _MP.mpc(0.5 + digest[0] / 256, 0.1 + digest[1] / 512)


def _times(one: Number, other: Number) -> Number:
    if isinstance(one, Fraction) and isinstance(other, Fraction):
        return one * other
    return _inexact(one) * _inexact(other)


def _over(one: Number, other: Number) -> Number:
    if isinstance(one, Fraction) and isinstance(other, Fraction):
        return one / other
    return _inexact(one) / _inexact(other)


def _whole(number: Number, largest: int) -> int:
    if not isinstance(number, Fraction) or number.denominator != 1 or not 0 <= number <= largest:
        raise ValueError(number)
    return int(number)
