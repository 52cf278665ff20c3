"""``archarena compare``: compare two variants per column over test rows and seeds."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Sequence
from statistics import fmean
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ..errors import UserError, did_you_mean
from .options import DEFAULT_RESULTS, ManyResults
from .output import say

if TYPE_CHECKING:
    from ...leaderboard.table.statistics import Comparisons, Estimate


def command(
    one: Annotated[str, typer.Argument(help="A variant, such as mamba or mamba[d_state=8].")],
    other: Annotated[str, typer.Argument(help="The variant to compare it with.")],
    results: ManyResults = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the comparisons as JSON.")] = False,
) -> None:
    """Compare two variants: means, and the difference with its 95 % interval over test rows and seeds.

    Verdicts are those of the pages, with Holm's correction over the models of a column. With one seed, a difference of
    the trained models can be found, but not whether training again would change it.

    Example: archarena compare mamba transformer
    """
    from ...leaderboard.read.results import read_results
    from ...leaderboard.table.comparing import place_of
    from ...leaderboard.table.rows import SECTION
    from ...leaderboard.table.tidy import make_table

    folders = results or DEFAULT_RESULTS
    places = ", ".join(map(str, folders))
    table = make_table(read_results(folders))
    scored = [row for row in table.rows if row["kind"] == "score"]
    names = {row["variant"] for row in scored}
    for name in (one, other):
        if name not in names:
            known = ", ".join(sorted(names)) or "none"
            raise UserError(f"{places} has no record of '{name}'.{did_you_mean(name, names)} Known: {known}.")
    columns: dict[tuple, dict[str, list[dict[str, Any]]]] = defaultdict(lambda: defaultdict(list))
    for row in scored:
        columns[place_of(row)][row["variant"]].append(row)
    shared = {place: rows for place, rows in columns.items() if {one, other} <= rows.keys()}
    if not shared:
        raise UserError(f"{one} and {other} have no column in common in {places}.")
    listed = []
    for place, rows in sorted(shared.items(), key=str):
        row, compared = rows[one][0], table.comparisons.get(place)
        is_compared = compared is not None and {one, other} <= set(compared.names)
        if as_json:
            numbers = _as_json(one, other, compared) if compared and is_compared else {"verdict": _why_not(row)}
            listed.append({name: row[name] for name in ("column", *SECTION)} | numbers)
            continue
        where = f"{row['column']} ({row['tier']}, {row['recipe']})"
        if compared and is_compared:
            say(f"{where}: {_compared(one, other, compared)}")
        else:
            means = "; ".join(f"{name} {_mean(rows[name])}" for name in (one, other))
            say(f"{where}: {means}; {_why_not(row)}")
    if as_json:
        say(json.dumps(listed, indent=1))


def _mean(rows: Sequence[dict[str, Any]]) -> str:
    values = [row["value"] for row in rows if row["value"] is not None]
    return f"{fmean(values):.4g} (n={len(values)})" if values else "no score"


def _why_not(row: dict[str, Any]) -> str:
    if row["tier"] == "smoke":
        return "not compared at the smoke tier"
    if row["sizing"] == "fixed":
        return "not compared because the sizes are fixed"
    return "not compared because a seed has no score or is of older code"


def _as_json(one: str, other: str, compared: Comparisons) -> dict[str, Any]:
    """Return both estimates, the difference and the verdict as JSON values."""
    estimates = {name: compared.estimate(name) for name in (one, other)}
    means = {name: {"mean": e.mean, "half_width": e.half_width, "seeds": e.n} for name, e in estimates.items()}
    gap = compared.difference(one, other)
    difference = {"mean": gap.mean, "half_width": gap.half_width, "p_value": gap.p_value}
    return {"means": means, "difference": difference, "verdict": gap.text}


def _compared(one: str, other: str, compared: Comparisons) -> str:
    means = "; ".join(f"{name} {_format(compared.estimate(name))}" for name in (one, other))
    gap = compared.difference(one, other)
    half = "" if gap.half_width is None else f" ± {gap.half_width:.2g}"
    return f"{means}; difference {gap.mean:+.4g}{half}: {one} {gap.text}"


def _format(found: Estimate) -> str:
    half = "" if found.half_width is None or found.n == 1 else f" ± {found.half_width:.2g}"
    return f"{found.mean:.4g}{half} (n={found.n})"
