"""Arithmetic on fractions, which is exact, and on mpmath numbers for everything else."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import mpmath

MP = mpmath.MPContext()
"""The context of all mpmath numbers; set its precision with ``MP.workdps``."""

LARGEST_BITS = 20_000
"""Maximum bits of an exact power, and the largest other exponent."""

Number = Any
"""A Fraction, or an mpmath number if the value is not known to be rational."""


def inexact(number: Number) -> Number:
    """Return a number as an mpmath number."""
    if isinstance(number, Fraction):
        return MP.mpf(number.numerator) / number.denominator
    return MP.mpmathify(number)


def power(base: Number, exponent: Number) -> Number:
    """Return a power; raise ValueError if it is too large."""
    if isinstance(exponent, Fraction) and exponent.denominator == 1:
        if isinstance(base, Fraction):
            bits = max(base.numerator.bit_length(), base.denominator.bit_length()) * abs(exponent.numerator)
            if bits <= LARGEST_BITS or abs(base) == 1:
                return base ** (exponent.numerator if abs(base) != 1 else exponent.numerator % 2)
        if abs(exponent) <= LARGEST_BITS:
            return inexact(base) ** exponent.numerator
    elif base == 0 or abs(inexact(exponent)) <= LARGEST_BITS:
        return inexact(base) ** inexact(exponent)
    raise ValueError(exponent)


def times(one: Number, other: Number) -> Number:
    """Return a product, exact if both factors are."""
    if isinstance(one, Fraction) and isinstance(other, Fraction):
        return one * other
    return inexact(one) * inexact(other)


def over(one: Number, other: Number) -> Number:
    """Return a quotient, exact if both numbers are."""
    if isinstance(one, Fraction) and isinstance(other, Fraction):
        return one / other
    return inexact(one) / inexact(other)


def whole(number: Number, largest: int) -> int:
    """Return a number as an integer; raise ValueError if it is not one from 0 to `largest`."""
    if not isinstance(number, Fraction) or number.denominator != 1 or not 0 <= number <= largest:
        raise ValueError(number)
    return int(number)
