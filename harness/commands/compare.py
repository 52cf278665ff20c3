"""``archarena compare``: compare two variants per column over test rows and seeds."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from statistics import fmean
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ..errors import UserError, did_you_mean
from .options import Results
from .output import say

if TYPE_CHECKING:
    from ...leaderboard.table.statistics import Comparisons, Estimate


def command(
    one: Annotated[str, typer.Argument(help="A variant, such as mamba or mamba[d_state=8].")],
    other: Annotated[str, typer.Argument(help="The variant to compare it with.")],
    results: Results = Path("results"),
) -> None:
    """Compare two variants: means, and the difference with its 95 % interval over test rows and seeds.

    Verdicts are those of the pages, with Holm's correction over the models of a column. With one seed, a difference of
    the trained models can be found, but not whether training again would change it.

    Example: archarena compare mamba transformer
    """
    from ...leaderboard.read.results import read_results
    from ...leaderboard.table.comparing import place_of
    from ...leaderboard.table.tidy import make_table

    found = read_results([results])
    table = make_table(found)
    scored = [row for row in table.rows if row["kind"] == "score"]
    names = {row["variant"] for row in scored}
    for name in (one, other):
        if name not in names:
            known = ", ".join(sorted(names)) or "none"
            raise UserError(f"{results} has no record of '{name}'.{did_you_mean(name, names)} Known: {known}.")
    columns: dict[tuple, dict[str, list[dict[str, Any]]]] = defaultdict(lambda: defaultdict(list))
    for row in scored:
        columns[place_of(row)][row["variant"]].append(row)
    shared = {place: rows for place, rows in columns.items() if {one, other} <= rows.keys()}
    if not shared:
        raise UserError(f"{one} and {other} have no column in common in {results}.")
    for place, rows in sorted(shared.items(), key=str):
        row, compared = rows[one][0], table.comparisons.get(place)
        where = f"{row['column']} ({row['tier']}, {row['recipe']})"
        if compared and {one, other} <= set(compared.names):
            say(f"{where}: {_compared(one, other, compared)}")
            continue
        reason = "because a seed has no score or is of older code"
        if row["tier"] == "smoke" or row["sizing"] == "fixed":
            reason = "at the smoke tier" if row["tier"] == "smoke" else "because the sizes are fixed"
        means = "; ".join(f"{name} {_mean(rows[name])}" for name in (one, other))
        say(f"{where}: {means}; not compared {reason}")


def _mean(rows: Sequence[dict[str, Any]]) -> str:
    values = [row["value"] for row in rows if row["value"] is not None]
    return f"{fmean(values):.4g} (n={len(values)})" if values else "no score"


def _compared(one: str, other: str, compared: Comparisons) -> str:
    means = "; ".join(f"{name} {_format(compared.estimate(name))}" for name in (one, other))
    gap = compared.difference(one, other)
    half = "" if gap.half_width is None else f" ± {gap.half_width:.2g}"
    return f"{means}; difference {gap.mean:+.4g}{half}: {one} {gap.text}"


def _format(found: Estimate) -> str:
    half = "" if found.half_width is None or found.n == 1 else f" ± {found.half_width:.2g}"
    return f"{found.mean:.4g}{half} (n={found.n})"
