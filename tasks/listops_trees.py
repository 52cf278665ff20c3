"""Draw many ListOps trees at once, level by level.

A level has the nodes at one depth of all trees, in prefix order; each node stores the index of its
parent in the level above. Trees grow from the root down, sizes and values are computed from the
leaves up, and positions in the token row from the root down.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

OPERATORS = ("[MIN", "[MAX", "[MED", "[SM")
VOCABULARY = ("<pad>", *"0123456789", *OPERATORS, "]")
MAX_DEPTH = 10
MAX_ARGUMENTS = 10
LEAF_PROBABILITY = 0.75
CHUNK = 4_000
"""Trees per chunk; bounds memory, since the largest trees have over 10^5 nodes."""


@dataclass(frozen=True)
class Nodes:
    """One level. `content` is the digit of a leaf, or an operator's index in `OPERATORS`.

    `arguments` is 0 for a leaf; `parent` is the index in the level above (for roots: the tree).
    """

    content: np.ndarray
    arguments: np.ndarray
    parent: np.ndarray

    @property
    def inner(self) -> np.ndarray:
        """Return the indices of operator nodes."""
        return np.flatnonzero(self.arguments)


def draw_trees(generator: np.random.Generator, n: int, *, longer_than: int, shorter_than: int) -> np.ndarray:
    """Return `n` trees with lengths strictly between the bounds, drawn as in the Long Range Arena.

    A node is a digit with probability 0.75, and always at depth 10. Otherwise it is an operator,
    uniform over `OPERATORS`, with 2 to 10 arguments.

    Returns
    -------
    numpy.ndarray
        (n, shorter_than) uint8: the tree's value, then its token ids in `VOCABULARY`.
    """
    chunks, found = [], 0
    while found < n:
        chunks.append(_draw_chunk(generator, longer_than, shorter_than))
        found += len(chunks[-1])
    return np.concatenate(chunks)[:n]


def _draw_chunk(generator: np.random.Generator, longer_than: int, shorter_than: int) -> np.ndarray:
    levels = _grow(generator, CHUNK)
    sizes = _sizes(levels)
    kept = (sizes[0] > longer_than) & (sizes[0] < shorter_than)
    levels, sizes = _keep(levels, sizes, kept)
    rows = np.zeros((int(kept.sum()), shorter_than), np.uint8)
    rows[:, 0] = evaluate(levels)
    _write(levels, sizes, rows[:, 1:])
    return rows


def _grow(generator: np.random.Generator, n: int) -> list[Nodes]:
    levels, parent = [], np.arange(n)
    for depth in range(1, MAX_DEPTH + 1):
        count = len(parent)
        leaf = generator.random(count) < LEAF_PROBABILITY if depth < MAX_DEPTH else np.ones(count, bool)
        content = np.where(leaf, generator.integers(10, size=count), generator.integers(len(OPERATORS), size=count))
        arguments = np.where(leaf, 0, generator.integers(2, MAX_ARGUMENTS + 1, size=count))
        levels.append(Nodes(content, arguments, parent))
        parent = np.repeat(np.arange(count), arguments)
    return levels


def _sizes(levels: Sequence[Nodes]) -> list[np.ndarray]:
    """Return the token count of each node's subtree: 1 for a digit, else 2 plus its arguments' counts."""
    sizes = [np.where(nodes.arguments, 2, 1) for nodes in levels]
    for above, below, nodes in zip(sizes[-2::-1], sizes[:0:-1], levels[:0:-1], strict=True):
        above += np.bincount(nodes.parent, below, minlength=len(above)).astype(np.int64)
    return sizes


def _keep(
    levels: Sequence[Nodes], sizes: Sequence[np.ndarray], kept: np.ndarray
) -> tuple[list[Nodes], list[np.ndarray]]:
    kept_levels, kept_sizes = [], []
    for nodes, size in zip(levels, sizes, strict=True):
        chosen = kept[nodes.parent]
        renumbered = np.cumsum(kept) - 1
        kept_levels.append(Nodes(nodes.content[chosen], nodes.arguments[chosen], renumbered[nodes.parent[chosen]]))
        kept_sizes.append(size[chosen])
        kept = chosen
    return kept_levels, kept_sizes


def evaluate(levels: Sequence[Nodes]) -> np.ndarray:
    """Return the value, 0 to 9, of each tree."""
    values = levels[-1].content
    for nodes, below in zip(levels[-2::-1], levels[:0:-1], strict=True):
        arguments, values = values, nodes.content.copy()
        if len(nodes.inner):
            values[nodes.inner] = _apply(nodes.content[nodes.inner], nodes.arguments[nodes.inner], arguments, below)
    return values


def _apply(operator: np.ndarray, counts: np.ndarray, arguments: np.ndarray, below: Nodes) -> np.ndarray:
    """Return the result of each operator; its arguments are consecutive, `counts` per operator."""
    starts = np.cumsum(counts) - counts
    ordered = arguments[np.lexsort((arguments, below.parent))]
    middle, odd = starts + counts // 2, counts % 2
    median = (ordered[middle] + ordered[middle - 1 + odd]) // 2
    results = [ordered[starts], ordered[starts + counts - 1], median, np.add.reduceat(arguments, starts) % 10]
    return np.choose(operator, results)


def _write(levels: Sequence[Nodes], sizes: Sequence[np.ndarray], tokens: np.ndarray) -> None:
    """Write each tree's token ids into its row of `tokens`."""
    close, first_operator = VOCABULARY.index("]"), VOCABULARY.index(OPERATORS[0])
    tree, place = levels[0].parent, np.zeros(len(sizes[0]), np.int64)
    for depth, (nodes, size) in enumerate(zip(levels, sizes, strict=True)):
        if depth:
            tree, place = tree[nodes.parent], place[nodes.parent] + 1 + _before(size, nodes.parent)
        tokens[tree, place] = nodes.content + np.where(nodes.arguments, first_operator, 1)
        tokens[tree[nodes.inner], (place + size - 1)[nodes.inner]] = close


def _before(size: np.ndarray, parent: np.ndarray) -> np.ndarray:
    """Return, for each node, the total size of the siblings before it."""
    ends = np.cumsum(size)
    first = np.r_[True, parent[1:] != parent[:-1]] if len(parent) else np.zeros(0, bool)
    before = ends - size
    return before - np.repeat(before[first], np.diff(np.r_[np.flatnonzero(first), len(parent)]))
