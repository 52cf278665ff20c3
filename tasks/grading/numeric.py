r"""Numeric values of answers: a small parser that evaluates LaTeX formulas.

It supports sums, products (also implicit ones), quotients, powers, roots, factorials, binomials,
logarithms and trigonometric functions (in degrees if the answer uses them) over complex numbers.
Letters are variables with fixed, arbitrary values, so two formulas with equal values are almost
certainly the same function.
"""

from __future__ import annotations

import cmath
import hashlib
import math
import re
from collections.abc import Callable

LONGEST = 300
"""Maximum characters of an evaluated answer; this also bounds the recursion depth."""

_TOKENS = re.compile(r"\\[A-Za-z]+|\d+(?:\.\d+)?|\.\d+|[A-Za-z]|\S")
_SEPARATOR = re.compile(r"\{,\}|(?<=\d),(?:\\!)?(?=\d{3}(?!\d))")
_SPACING = re.compile(r"\\(?:left|right|displaystyle|[,;:! ])|\\q?quad(?![A-Za-z])|\$")
_DEGREE = re.compile(r"\^\s*(?:\\circ|\{\s*\\circ\s*\})")
_TIMES, _OVER = ("*", r"\cdot", r"\times"), ("/", r"\div")
_CONSTANTS = {r"\pi": math.pi, "e": math.e, "i": 1j}
_FRACTIONS = (r"\frac", r"\dfrac", r"\tfrac", r"\cfrac")
_LARGEST_FACTORIAL = 170
_TURNING: dict[str, Callable[[complex], complex]] = {
    r"\sin": cmath.sin,
    r"\cos": cmath.cos,
    r"\tan": cmath.tan,
    r"\cot": lambda x: 1 / cmath.tan(x),
    r"\sec": lambda x: 1 / cmath.cos(x),
    r"\csc": lambda x: 1 / cmath.sin(x),
}
_FUNCTIONS: dict[str, Callable[[complex], complex]] = _TURNING | {
    r"\arcsin": cmath.asin,
    r"\arccos": cmath.acos,
    r"\arctan": cmath.atan,
    r"\ln": cmath.log,
    r"\log": cmath.log10,
    r"\exp": cmath.exp,
}


def value(answer: str) -> tuple[complex, frozenset[str]] | None:
    """Return the value of an answer and its variables, or None if it is not a single formula."""
    if len(answer) > LONGEST:
        return None
    formula = _Formula(_SPACING.sub(" ", _SEPARATOR.sub("", _DEGREE.sub(r"\\degree ", answer))))
    try:
        result = formula.whole()
    except (ValueError, ArithmeticError, RecursionError):
        return None
    return (result, frozenset(formula.variables)) if cmath.isfinite(result) else None


def same_value(one: complex, other: complex) -> bool:
    """Return whether two values are equal up to rounding."""
    return cmath.isclose(one, other, rel_tol=1e-10, abs_tol=1e-12)


class _Formula:
    """The tokens of a formula and a position in them; each method returns the value of what it parses."""

    def __init__(self, text: str):
        self.tokens = [match.group() for match in _TOKENS.finditer(text)]
        self.at = 0
        self.in_degrees = False
        self.variables: set[str] = set()

    @property
    def next(self) -> str:
        return self.tokens[self.at] if self.at < len(self.tokens) else ""

    def take(self, *expected: str) -> str:
        token = self.next
        if not token or (expected and token not in expected):
            raise ValueError(token)
        self.at += 1
        return token

    def whole(self) -> complex:
        result = self.sum()
        if self.next:
            raise ValueError(self.next)
        return result

    def sum(self) -> complex:
        total = self.signed_product()
        while self.next in ("+", "-"):
            total += self.signed_product()
        return total

    def signed_product(self) -> complex:
        sign = 1
        while self.next in ("+", "-"):
            sign = -sign if self.take() == "-" else sign
        return sign * self.product()

    def product(self) -> complex:
        result = self.power()
        while self.next:
            if self.next in _TIMES:
                self.take()
                result *= self.factor_after_sign()
            elif self.next in _OVER:
                self.take()
                result /= self.factor_after_sign()
            elif self.next in "+-)}]":
                break
            else:
                result *= self.power()
        return result

    def factor_after_sign(self) -> complex:
        if self.next == "-":
            self.take()
            return -self.power()
        return self.power()

    def power(self) -> complex:
        result = self.atom()
        while self.next in ("^", "!", r"\degree"):
            token = self.take()
            if token == "^":
                result = result ** self.group()
            elif token == "!":
                result = complex(math.factorial(_whole(result, _LARGEST_FACTORIAL)))
            else:
                self.in_degrees = True
        return result

    def group(self) -> complex:
        """Parse a command's argument: braces, or a single token (one digit of a number)."""
        if self.next == "{":
            return self.bracketed()
        if self.next == "-":
            return self.factor_after_sign()
        if self.next.isdigit() and len(self.next) > 1:
            digits = self.next
            self.tokens[self.at : self.at + 1] = [digits[0], digits[1:]]
        return self.atom()

    def bracketed(self) -> complex:
        closing = {"{": "}", "(": ")", "[": "]"}[self.take("{", "(", "[")]
        result = self.sum()
        self.take(closing)
        return result

    def atom(self) -> complex:
        token = self.next
        if token in ("(", "{", "["):
            return self.bracketed()
        self.take()
        if token[:1].isdigit() or token.startswith("."):
            return self.number(token)
        if token in _FRACTIONS:
            return self.group() / self.group()
        if token == r"\sqrt":
            return self.root()
        if token == r"\binom":
            above, below = self.group(), self.group()
            return complex(math.comb(_whole(above, 1000), _whole(below, 1000)))
        if token in _FUNCTIONS:
            return self.function(token)
        return self.letter(token)

    def number(self, digits: str) -> complex:
        r"""Parse a number, or a mixed number such as ``1\frac{1}{2}``."""
        mixed = re.match(r"\\[dt]?frac \{ (\d+) \} \{ (\d+) \}", " ".join(self.tokens[self.at : self.at + 7]))
        if mixed and digits.isdigit():
            self.at += 7
            return int(digits) + int(mixed[1]) / int(mixed[2])
        return complex(float(digits))

    def root(self) -> complex:
        degree = self.bracketed() if self.next == "[" else 2
        under = self.group()
        if under.imag == 0 and under.real < 0 and degree == 3:
            return -((-under) ** (1 / 3))
        return under ** (1 / degree)

    def function(self, name: str) -> complex:
        exponent, base = 1 + 0j, None
        while self.next in ("^", "_"):
            if self.take() == "^":
                exponent = self.group()
            else:
                base = self.group()
        outer, self.in_degrees = self.in_degrees, False
        argument = self.bracketed() if self.next in ("(", "{") else self.argument()
        if self.in_degrees and name in _TURNING:
            argument *= math.pi / 180
        self.in_degrees = outer
        result = cmath.log(argument) / cmath.log(base) if base is not None else _FUNCTIONS[name](argument)
        return 1 / result if name in _TURNING and exponent == -1 else result**exponent

    def argument(self) -> complex:
        r"""Parse a function's argument without brackets: adjacent factors, as in ``\sin 2x``."""
        result = self.power()
        while self.next and self.next not in "+-)}]" and self.next not in (*_TIMES, *_OVER, *_FUNCTIONS):
            result *= self.power()
        return result

    def letter(self, token: str) -> complex:
        if token in _CONSTANTS:
            return _CONSTANTS[token]
        if not re.fullmatch(r"[A-Za-z]|\\(?:alpha|beta|gamma|theta|phi|omega|lambda)", token):
            raise ValueError(token)
        self.variables.add(token)
        digest = hashlib.sha256(token.encode()).digest()
        return 0.5 + digest[0] / 256 + 1j * (0.1 + digest[1] / 512)


def _whole(number: complex, largest: int) -> int:
    if number.imag or number.real != int(number.real) or not 0 <= number.real <= largest:
        raise ValueError(number)
    return int(number.real)
