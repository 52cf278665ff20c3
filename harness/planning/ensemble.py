"""Which cells train together, as one ensemble."""

from __future__ import annotations

import math
from collections.abc import Sequence

from .cell import Cell, Keyed
from .tier import get_tier

FEWEST, MOST = 4, 8
"""Members of an ensemble: fewer were not faster than separate runs, and more not faster per member."""


def ensembles(cells: Sequence[Keyed]) -> list[list[Keyed]]:
    """Return the cells in groups that train together, which differ only in the seed, or with a single cell.

    Together they are faster where a step spends most of its time between operations: on one CPU thread, with a small
    body and few rows. The limit is what ``archarena bench ensemble`` measured for the model (`together` of
    `archarena.harness.contract.registry.register_model`), so a plan does not depend on the timing of a run.
    """
    groups: dict[object, list[Keyed]] = {}
    for keyed in cells:
        groups.setdefault(_kind(keyed.cell), []).append(keyed)
    return [part for group in groups.values() for part in _parts(group)]


def _kind(cell: Cell) -> object:
    return cell.variant.name, cell.task.name, cell.task.tier.name, cell.recipe


def _parts(group: list[Keyed]) -> list[list[Keyed]]:
    if len(group) < FEWEST or not _is_small(group[0].cell):
        return [[keyed] for keyed in group]
    count = math.ceil(len(group) / MOST)
    return [group[part::count] for part in range(count)]


def _is_small(cell: Cell) -> bool:
    """Return whether a step is so small that members train faster together."""
    tier, training = cell.task.tier, cell.training
    if training is None or training.size is not None or cell.task.task.spec.per_position:
        return False
    small = tier.threads == 1 and tier.body_parameters <= get_tier("quick").body_parameters
    return small and training.batch <= int(cell.variant.entry.declared.get("together", 0))
