"""Which cells train together, as one ensemble."""

from __future__ import annotations

from collections.abc import Sequence

from .cell import Cell, Keyed

MOST = 8
"""Largest number of cells of an ensemble; more were not faster per cell."""


def ensembles(cells: Sequence[Keyed]) -> list[list[Keyed]]:
    """Return the cells in groups that differ only in the seed, or with a single cell where that is as fast.

    The rule does not depend on timing in this run: it is the number of seeds that the model's author measured
    (`together` of `archarena.harness.contract.registry.register_model`), and holds for one CPU thread.
    """
    groups: dict[object, list[Keyed]] = {}
    for keyed in cells:
        groups.setdefault(_kind(keyed.cell), []).append(keyed)
    return [part for group in groups.values() for part in _parts(group)]


def _kind(cell: Cell) -> object:
    return cell.variant.name, cell.task.name, cell.task.tier.name, cell.recipe


def _parts(group: list[Keyed]) -> list[list[Keyed]]:
    cell = group[0].cell
    least = int(cell.variant.entry.declared.get("together", 0))
    if not least or cell.task.tier.threads > 1 or len(group) < max(2, least):
        return [[keyed] for keyed in group]
    count = -(-len(group) // MOST)
    return [group[part::count] for part in range(count)]
