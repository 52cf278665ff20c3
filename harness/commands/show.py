"""``archarena show``: print one record."""

from __future__ import annotations

import json
from typing import Annotated, Any

import typer

from .options import DEFAULT_RESULTS, ManyResults
from .output import say


def _readable(value: Any) -> str:
    """Format a number with four significant digits, or as an integer if it is at least 1,000; None becomes a dash."""
    if isinstance(value, dict):
        return ", ".join(f"{name} {_readable(part)}" for name, part in value.items())
    if value is None:
        return "-"
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.4g}"


def command(
    cell: Annotated[str, typer.Argument(help="VARIANT/TASK[/TIER/sSEED], or the start of a key")],
    results: ManyResults = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the whole record.")] = False,
) -> None:
    """Show the scores, cost and status of one cell.

    Example: archarena show mamba/recall-mqar/quick/s0
    """
    from ..planning.find import find_record, name_of
    from ..records.cards import TaskCard

    store, record = find_record(results or DEFAULT_RESULTS, cell)
    if as_json:
        say(json.dumps(record.model_dump(mode="json", by_alias=True), indent=1))
        return
    say(f"{name_of(record)}: {record.status}" + (f" ({record.reason})" if record.reason else ""))
    card = store.card(TaskCard, record.cell.task, record.cell.tier)
    for column, score in record.scores.items():
        say(f"  {column}: {_readable(score.value)} ({score.metric}, {score.direction} is better, {score.rows} rows)")
        if card is None or score.value is None:
            continue
        for reference in card.references(column):
            name = " ".join(dict.fromkeys((reference.kind, reference.name)))
            margin = f"{score.value - reference.value:+.4f}"
            say(f"    {name}: {_readable(reference.value)}, margin {margin}")
    if size := record.size:
        say(
            f"  size: width {size.width}, depth {size.depth}, {size.body_parameters:,} parameters in the body "
            f"({100 * size.deviation:+,.1f} % of {size.target_parameters:,}{', a fixed size' if size.fixed else ''}), "
            f"{size.total_parameters:,} in total"
        )
    for attempt in record.attempts:
        chosen = " <- chosen" if attempt == record.chosen else ""
        reached = f"validation {_readable(attempt.valid)} after {attempt.steps:,} steps"
        end = f" ({attempt.end})" if attempt.end else ""
        say(f"  rate {attempt.learning_rate:g}: {reached}{end}{chosen}")
    for name, value in record.cost.model_dump(exclude_none=True).items():
        say(f"  {name}: {_readable(value)}")
    for doubt in record.doubts:
        say(f"  doubt: {doubt}")
    if record.checksum is None:
        say("  An older version wrote this record without a checksum; its content cannot be verified.")
    say(f"  key: {record.key}\n  run again: {record.command}")
    if record.log_tail:
        say(record.log_tail)
