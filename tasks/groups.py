"""Multiplication tables of permutation groups."""

from __future__ import annotations

from functools import cache
from itertools import permutations

import numpy as np


@cache
def symmetric(points: int) -> np.ndarray:
    """Return the table of all permutations of `points` points; see `product_table`."""
    return product_table(list(permutations(range(points))))


@cache
def alternating(points: int) -> np.ndarray:
    """Return the table of the even permutations of `points` points; see `product_table`."""
    return product_table([p for p in permutations(range(points)) if _is_even(p)])


def product_table(elements: list[tuple[int, ...]]) -> np.ndarray:
    """Return (n, n) classes: entry [a, b] is the number of the permutation ``a[b[i]]``.

    Parameters
    ----------
    elements
        The permutations of a group in lexicographic order, so the identity has number 0.
    """
    group = np.array(elements)
    points = group.shape[1]
    powers = points ** np.arange(points)
    code = group @ powers
    order = code.argsort()
    return order[np.searchsorted(code, group[:, group] @ powers, sorter=order)].astype(np.int8)


def _is_even(permutation: tuple[int, ...]) -> bool:
    return sum(a > b for i, a in enumerate(permutation) for b in permutation[i + 1 :]) % 2 == 0


def running_products(words: np.ndarray, table: np.ndarray) -> np.ndarray:
    """Return the product of the elements up to each position.

    Parameters
    ----------
    words
        Numbers of elements (rows, length).
    table
        From `product_table`; the product changes from a to ``table[a, element]``.
    """
    products, state = np.empty_like(words), np.zeros(len(words), words.dtype)
    for position, element in enumerate(words.T):
        state = products[:, position] = table[state, element]
    return products
