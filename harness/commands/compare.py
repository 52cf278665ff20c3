"""``archarena compare``: compare two variants per column over their shared seeds."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path
from typing import Annotated

import typer

from ..errors import UserError, did_you_mean
from .options import Results
from .output import say


def command(
    one: Annotated[str, typer.Argument(help="A variant, such as mamba or mamba[d_state=8].")],
    other: Annotated[str, typer.Argument(help="The variant to compare it with.")],
    results: Results = Path("results"),
) -> None:
    """Compare two variants: means over seeds, and the difference over shared seeds with its 95 % interval.

    A paired t test at the 5 % level decides each column, without correction for multiple comparisons.

    Example: archarena compare mamba transformer
    """
    from ...leaderboard.table.records import newest, section_of, sizings, stale
    from ...leaderboard.table.statistics import compare, difference, estimate
    from ..records.store import ResultStore

    scores: dict[tuple[str, ...], dict[str, dict[int, float]]] = defaultdict(lambda: defaultdict(dict))
    directions, names = {}, set()
    fixed: dict[tuple[str, ...], set[str]] = defaultdict(set)
    records = newest(ResultStore(results).read())[0]
    sizing, outdated = sizings(records), stale(records)
    for record in records:
        cell = record.cell
        names.add(cell.variant)
        place = section_of(record)
        if record.key in outdated:
            continue
        section = (place["device"], place["tier"], place["recipe"], place["protocol"])
        fixed[section] |= {cell.variant} if sizing[record.key] == "fixed" else set()
        for column, score in record.scores.items():
            if cell.variant in (one, other) and score.value is not None:
                scores[*section, column][cell.variant][cell.seed] = score.value
                directions[*section, column] = score.direction
    for name in (one, other):
        if name not in names:
            known = ", ".join(sorted(names)) or "none"
            raise UserError(f"{results} has no record of '{name}'.{did_you_mean(name, names)} Known: {known}.")
    shared = {place: found for place, found in scores.items() if {one, other} <= found.keys()}
    if not shared:
        raise UserError(f"{one} and {other} have no column in common in {results}.")
    for place, found in sorted(shared.items()):
        *section, column = place
        means = [f"{name} {_format(estimate(list(found[name].values())))}" for name in (one, other)]
        gap, matrix = difference(found[one], found[other]), compare(found, directions[place])
        assert matrix is not None
        verdict = dict(zip(matrix.names, matrix.verdicts(matrix.names.index(other)), strict=True))[one]
        words = {"+": f"{one} ahead", "-": f"{one} behind", "=": "tied", "?": "too few seeds"}
        gap_text = f"difference {_format(gap, '+')}, " if gap else "no shared seed, "
        result = words[verdict.value]
        if section[1] == "smoke":
            result = "not compared at the smoke tier"
        elif fixed[tuple(section)] & {one, other}:
            result = "not compared, because a size is fixed"
        say(f"{column} ({', '.join(section[1:3])}): {'; '.join(means)}; {gap_text}{result}")


def _format(found, sign: str = "") -> str:
    half = "" if found.half_width is None else f" ± {found.half_width:.2g}"
    return f"{found.mean:{sign}.4g}{half} (n={found.n})"
