"""The child of ``archarena bench``: runs one benchmark, prints its tables and writes its report."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import torch
from rich.console import Console

from ..contract.registry import discover
from ..errors import UserError
from ..planning.tier import get_tier
from ..running.environment import resolve_device
from . import report
from .contest import SIZES, contest
from .kernels import OURS, bench_kernels
from .lengths import LONGEST, WIDTH, bench_lengths, cap_memory
from .roofline import measure
from .timing import clock_for
from .workloads import load

DTYPES = {"cpu": (torch.float32,), "cuda": (torch.float32, torch.bfloat16)}


def run_kernels(device: str, output: str, only: list[str], seconds: float) -> int:
    """Time every kernel and write the report after each, so a kill loses little; return 1 if one is wrong."""
    console, target = report.make_console(), torch.device(resolve_device(device))
    workloads, dtypes, clock = load(only), DTYPES[target.type], clock_for(target)
    roofline = measure(target, dtypes, clock)
    report.roofline_line(console, roofline)
    body: dict[str, Any] = {"roofline": vars(roofline), "rows": []}
    for found in bench_kernels(workloads, target, dtypes, roofline, clock, seconds=seconds):
        report.kernel_table(console, found)
        body["rows"] += found
        _keep(output, "kernels", target, body)
    _write(console, output, "kernels", target, body)
    return int(any(row["contestant"] == OURS and "problem" in row for row in body["rows"]))


def run_lengths(
    device: str, output: str, only: list[str], seconds: float, width: int | None, longest: int | None
) -> int:
    """Time one block of each sequence model at increasing lengths; return 1 if one fails."""
    console, target = report.make_console(), torch.device(resolve_device(device))
    clock = clock_for(target)
    if target.type == "cpu":
        cap_memory()
    sizes = {"width": width or WIDTH[target.type], "longest": longest or LONGEST[target.type]}
    body: dict[str, Any] = {**sizes, "rows": []}
    for row in bench_lengths(discover(), target, clock, only=only, seconds=seconds, **sizes):
        report.length_table(console, row)
        body["rows"].append(row)
        _keep(output, "lengths", target, body)
    _write(console, output, "lengths", target, body)
    return int(any(row.get("ended", "").startswith("failed") for row in body["rows"]))


def run_filters(device: str, output: str, seconds: float, longest: int | None) -> int:
    """Time TCNCA's filter and three forms of MEGA's."""
    from .filters import LENGTHS, PUBLISHED, bench_filters

    console, target = report.make_console(), torch.device(resolve_device(device))
    lengths = tuple(n for n in LENGTHS if n <= (longest or LENGTHS[-1]))
    body: dict[str, Any] = {"published": PUBLISHED, "rows": []}
    for row in bench_filters(target, clock_for(target), lengths=lengths, seconds=seconds):
        body["rows"].append(row)
        _keep(output, "filters", target, body)
    report.filter_tables(console, body["rows"])
    _write(console, output, "filters", target, body)
    return 0


def run_ensemble(output: str, seconds: float, only: list[str], tier: str) -> int:
    """Time a training step of several seeds together and alone, on the CPU."""
    from .ensemble import MODELS, bench_ensemble

    console, body = report.make_console(), {"tier": tier, "rows": []}
    for rows in bench_ensemble(only or MODELS, get_tier(tier), seconds=seconds):
        report.ensemble_table(console, rows)
        body["rows"] += rows
        _keep(output, "ensemble", torch.device("cpu"), body)
    _write(console, output, "ensemble", torch.device("cpu"), body)
    return 0


def run_contest(bench: str, output: str, seconds: float, peer_python: str | None) -> int:
    """Time training on the CPU, in archarena and in other packages (see `contest`)."""
    console, rows = report.make_console(), contest(bench, peer_python or sys.executable, seconds=seconds)
    report.contest_table(console, bench, rows)
    _write(console, output, bench, torch.device("cpu"), {"sizes": SIZES[bench], "rows": rows})
    return 0


BENCHES: dict[str, Callable[..., int]] = {
    "kernels": run_kernels,
    "lengths": run_lengths,
    "filters": run_filters,
    "ensemble": run_ensemble,
    "step": partial(run_contest, "step"),
    "epoch": partial(run_contest, "epoch"),
}


def _keep(output: str, what: str, device: torch.device, body: dict[str, Any]) -> Path:
    return report.write_report(Path(output), what, device.type, {"threads": torch.get_num_threads(), **body})


def _write(console: Console, output: str, what: str, device: torch.device, body: dict[str, Any]) -> None:
    console.print(f"Wrote {_keep(output, what, device, body)}", soft_wrap=True)


def main(arguments: list[str]) -> int:
    """Run a benchmark; `arguments` are its name and its options as JSON."""
    what, options = arguments
    try:
        return BENCHES[what](**json.loads(options))
    except UserError as error:
        print(f"archarena: {error}", file=sys.stderr)
        return 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
