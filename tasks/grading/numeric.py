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
from typing import NamedTuple

from .arithmetic import LARGEST_BITS, MP, Number, inexact, over, power, times, whole

LONGEST = 300
"""Maximum characters of an evaluated answer; this also bounds the recursion depth."""

_DIGITS, _MOST_DIGITS, _GUARD = 50, 8_000, 10
_DECIMAL_TOLERANCE = MP.mpf("1e-10")
"""Relative tolerance when one of the formulas has decimals, which may be rounded."""

_LARGEST_FACTORIAL = 2_100

_TOKENS = re.compile(r"\\[A-Za-z]+|\d+(?:\.\d+)?|\.\d+|[A-Za-z]|\S")
_DEGREE = re.compile(r"\^\s*(?:\\circ|\{\s*\\circ\s*\})")
_TIMES, _OVER = ("*", r"\cdot", r"\times"), ("/", r"\div")
_CONSTANTS = {r"\pi": MP.pi, "e": MP.e, "i": MP.mpc(0, 1)}
_FRACTIONS = (r"\frac", r"\dfrac", r"\tfrac", r"\cfrac")

_TURNING: dict[str, Callable[[Number], Number]] = {
    r"\sin": MP.sin,
    r"\cos": MP.cos,
    r"\tan": MP.tan,
    r"\cot": MP.cot,
    r"\sec": MP.sec,
    r"\csc": MP.csc,
}
_FUNCTIONS: dict[str, Callable[[Number], Number]] = _TURNING | {
    r"\arcsin": MP.asin,
    r"\arccos": MP.acos,
    r"\arctan": MP.atan,
    r"\ln": MP.log,
    r"\log": MP.log10,
    r"\exp": MP.exp,
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
            result = _evaluate(answer, _DIGITS + int(MP.log10(size)))
    except (ValueError, ArithmeticError, RecursionError):
        return None
    return result if MP.isfinite(result.number) else None


def _evaluate(text: str, digits: int) -> Value:
    if digits > _MOST_DIGITS:
        raise ValueError(digits)
    formula = _Formula(_DEGREE.sub(r"\\degree ", text))
    with MP.workdps(digits):
        number = formula.whole()
    return Value(number, frozenset(formula.variables), formula.scale, digits, formula.decimal)


def same_value(one: Value, other: Value) -> bool:
    """Return whether two values of the same variables are equal: exactly if both are rational, else up to rounding."""
    if one.variables != other.variables:
        return False
    if isinstance(one.number, Fraction) and isinstance(other.number, Fraction):
        return one.number == other.number
    digits = [value.digits for value in (one, other) if not isinstance(value.number, Fraction)]
    with MP.workdps(max(digits)):
        left, right = inexact(one.number), inexact(other.number)
        rounding = MP.mpf(10) ** (_GUARD - min(digits))
        tolerance = _DECIMAL_TOLERANCE if one.decimal or other.decimal else rounding
        return bool(
            abs(left - right) <= tolerance * max(abs(left), abs(right)) + rounding * max(one.scale, other.scale)
        )


class _Formula:
    """The tokens of a formula and a position in them; each method returns the value of what it parses."""

    def __init__(self, text: str):
        self.tokens = [match.group() for match in _TOKENS.finditer(text)]
        self.at = 0
        self.in_degrees = False
        self.variables: set[str] = set()
        self.scale = MP.mpf(0)
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
        one, other = inexact(one), inexact(other)
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
                result = times(result, self.factor_after_sign())
            elif self.next in _OVER:
                self.take()
                result = over(result, self.factor_after_sign())
            elif self.next in "+-)}]":
                break
            else:
                result = times(result, self.power())
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
                result = power(result, self.group())
            elif token == "!":
                result = Fraction(math.factorial(whole(result, _LARGEST_FACTORIAL)))
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
            return over(self.group(), self.group())
        if token == r"\sqrt":
            return self.root()
        if token == r"\binom":
            above, below = self.group(), self.group()
            return Fraction(math.comb(whole(above, 1000), whole(below, 1000)))
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
            return -power(-under, Fraction(1, 3))
        return power(under, over(Fraction(1), degree))

    def function(self, name: str) -> Number:
        exponent, base = Fraction(1), None
        while self.next in ("^", "_"):
            if self.take() == "^":
                exponent = self.group()
            else:
                base = self.group()
        outer, self.in_degrees = self.in_degrees, False
        argument = inexact(self.bracketed() if self.next in ("(", "{") else self.argument())
        if name == r"\exp" and abs(argument) > LARGEST_BITS:
            raise ValueError(name)
        if self.in_degrees and name in _TURNING:
            argument *= MP.pi / 180
        self.in_degrees = outer
        self.scale = max(self.scale, MP.mpf(1))
        result = MP.log(argument) / MP.log(inexact(base)) if base is not None else _FUNCTIONS[name](argument)
        return 1 / result if name in _TURNING and exponent == -1 else power(result, exponent)

    def argument(self) -> Number:
        r"""Parse a function's argument without brackets: adjacent factors, as in ``\sin 2x``."""
        result = self.power()
        while self.next and self.next not in "+-)}]" and self.next not in (*_TIMES, *_OVER, *_FUNCTIONS):
            result = times(result, self.power())
        return result

    def letter(self, token: str) -> Number:
        if token in _CONSTANTS:
            return +_CONSTANTS[token]
        if not re.fullmatch(r"[A-Za-z]|\\(?:alpha|beta|gamma|theta|phi|omega|lambda)", token):
            raise ValueError(token)
        self.variables.add(token)
        digest = hashlib.sha256(token.encode()).digest()
        return MP.mpc(0.5 + digest[0] / 256, 0.1 + digest[1] / 512)
