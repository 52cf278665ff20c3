"""Writes results as JSON, with the environment they come from, and as tables in the terminal."""

from __future__ import annotations

import math
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from ..records.bench_report import BenchReport
from ..running.environment import environment
from .filters import FFT, OFFICIAL, PUBLISHED, RECURRENCE, TCNCA
from .overhead import PHASES, overhead
from .roofline import Roofline


def write_report(folder: Path, what: str, device: str, body: dict[str, Any]) -> Path:
    """Write ``bench-WHAT-DEVICE.json`` to `folder`, replacing an older one, and return its path."""
    made = datetime.now(UTC).isoformat(timespec="seconds")
    report = BenchReport.model_validate({"bench": what, "made": made, "environment": environment(device), **body})
    return report.write(folder)


def make_console() -> Console:
    """Return a console that is wide enough for the tables even if the output goes to a file."""
    return Console() if sys.stdout.isatty() else Console(width=120)


def print_table(console: Console, title: str, columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print a table with text in the first column and numbers in the others."""
    console.print(title, style="italic")
    table = Table(box=None, pad_edge=False, header_style="bold")
    for index, column in enumerate(columns):
        table.add_column(column, justify="right" if index else "left", no_wrap=True)
    for row in rows:
        table.add_row(*row)
    console.print(table)
    console.print()


def milliseconds(seconds: float) -> str:
    """Format seconds as milliseconds, with three digits if below a second."""
    return f"{seconds * 1e3:.3g}" if seconds < 1 else f"{seconds * 1e3:,.0f}"


def kernel_table(console: Console, rows: Sequence[dict[str, Any]]) -> None:
    """Print the rows of one workload and dtype, and the reason for each contestant without a time."""
    first = rows[0]
    sizes = " ".join(f"{name}={size}" for name, size in first["sizes"].items())
    title = f"{first['kernel']}: {first['case']} ({sizes}, {first['dtype'].removeprefix('torch.')})"
    lines = [
        (
            f"{row['pass']}, {row['contestant']}",
            milliseconds(row["seconds"]),
            f"{row['times_ours']:.2f}",
            f"{row['bytes_per_second'] / 1e9:.1f}",
            f"{row['flops_per_second'] / 1e9:.1f}",
            f"{row['floor_seconds'] / row['seconds']:.0%} ({row['floor_binds']})",
        )
        for row in rows
        if "seconds" in row
    ]
    print_table(console, title, ("", "ms", "x ours", "GB/s", "GFLOP/s", "of roofline"), lines)
    for row in rows:
        if "problem" in row:
            console.print(f"  {row['contestant']}: {row['problem']}")


def roofline_line(console: Console, roofline: Roofline) -> None:
    rates = ", ".join(f"{rate / 1e9:,.0f} GFLOP/s in {name[6:]}" for name, rate in roofline.flops_per_second.items())
    console.print(f"Measured roofline: {roofline.bytes_per_second / 1e9:.1f} GB/s in a copy, {rates}.\n")


def length_table(console: Console, row: dict[str, Any]) -> None:
    """Print the times of one model by length."""
    if "problem" in row:
        console.print(f"{row['model']}: {row['problem']}\n")
        return
    directions = ("forward", "backward")
    lines = [(f"{p['length']:,}", *(milliseconds(p[direction]) for direction in directions)) for p in row["points"]]
    lines.append(("exponent", *(f"{row.get(f'{direction}_exponent', math.nan):.2f}" for direction in directions)))
    print_table(
        console, f"{row['model']}, width {row['width']}, ms: {row['ended']}", ("length", "forward", "backward"), lines
    )


def filter_tables(console: Console, rows: Sequence[dict[str, Any]]) -> None:
    """Print the times of the filters, their ratios, and how they relate to the published ratios."""
    forms = (OFFICIAL, FFT, RECURRENCE)
    for direction in ("forward", "backward"):
        ratio = f"{direction}_by_tcnca"
        lines = [
            (
                f"{row['length']:,}",
                *(milliseconds(row[direction][name]) for name in (TCNCA, *forms)),
                *(f"{row[ratio][name]:.2f}" for name in forms),
            )
            for row in rows
        ]
        columns = ("length", TCNCA, *forms, *(f"{form} / tcnca" for form in forms))
        print_table(console, f"Filters of TCNCA and MEGA, {direction}: ms and ratios", columns, lines)
        best = max(rows, key=lambda row: row[ratio][OFFICIAL])
        console.print(
            f"{direction}: the published ratio to the official form is up to {PUBLISHED[direction]}. Here it is up to "
            f"{best[ratio][OFFICIAL]:.2f}, at length {best['length']:,}, where the plain recurrence takes "
            f"{best[ratio][RECURRENCE]:.2f} times as long as TCNCA's filter.\n"
        )


def ensemble_table(console: Console, rows: Sequence[dict[str, Any]]) -> None:
    """Print the time of a step per member, and its ratio to a separate step, of one model on one task."""
    first = rows[0]
    title = f"{first['model']} on {first['task']}, width {first['width']}"
    lines = [("separate", milliseconds(first["separate_seconds"]), "1.00", "1.00")]
    for row in rows:
        ratios = (f"{row['ratio']:.2f}", f"{row['median_ratio']:.2f}")
        lines.append((f"{row['members']} together", milliseconds(row["seconds"]), *ratios))
    print_table(console, title, ("", "ms per member", "ratio", "of medians"), lines)


CONTESTS = {
    "step": (
        "Training step of a small mamba language model",
        {
            "ms per step": "{ms}",
            "tokens/s": "{tokens_per_second:,.0f}",
            "x ours": "{ratio}",
            "parameters": "{parameters:,}",
            "first loss": "{first_loss:.2f}",
        },
    ),
    "epoch": (
        "Epoch of FinalMLP with Frappe's fields, including validation",
        {
            "s per epoch": "{seconds:.2f}",
            "x ours": "{ratio}",
            "parameters": "{parameters:,}",
            "last AUC": "{last_auc:.4f}",
        },
    ),
}
"""The title and the columns of each table of a contest."""


def contest_table(console: Console, bench: str, rows: Sequence[dict[str, Any]]) -> None:
    """Print the times and scores of each contestant, or the reason why it has none."""
    title, columns = CONTESTS[bench]
    lines = []
    for row in rows:
        if "seconds" in row:
            ratio = f"{row['times_ours']:.1f}" if "times_ours" in row else ""
            values = row | {"ms": milliseconds(row["seconds"]), "ratio": ratio}
            lines.append((row["contestant"], *(column.format(**values) for column in columns.values())))
    print_table(console, title, ("", *columns), lines)
    for row in rows:
        if "problem" in row:
            console.print(f"{row['contestant']}: {row['problem']}")


def harness_table(console: Console, rows: Sequence[dict[str, Any]]) -> None:
    """Print the seconds of each cell and the share of each phase, then of all cells of tasks together."""
    cells = [row for row in rows if row["tier"] != "smoke"] or rows
    phases = {name: sum(row["phases"][name] for row in cells) for name in PHASES}
    total = {"cell": "all but the empty cell", "seconds": sum(row["seconds"] for row in cells), "phases": phases}
    lines = [
        (row["cell"], f"{row['seconds']:.2f}", *(f"{_share(row, name):.1%}" for name in PHASES))
        for row in (*rows, total)
    ]
    print_table(console, "Cells: seconds, and the share of each phase", ("", "seconds", *PHASES), lines)
    for name, meaning in PHASES.items():
        console.print(f"{name}: {meaning}")
    console.print(f"\nOverhead, all but training with its probes: {overhead(cells):.1%} of the cells' seconds.")
    for row in rows:
        if "problem" in row:
            console.print(f"{row['cell']}: {row['problem']}")


def _share(row: dict[str, Any], phase: str) -> float:
    return row["phases"][phase] / row["seconds"] if row["seconds"] else 0.0
