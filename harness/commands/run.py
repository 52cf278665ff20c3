"""``archarena run``: run the cells that have no record yet."""

from __future__ import annotations

import signal
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from . import options
from .output import say

if TYPE_CHECKING:
    from ..running.run import Run
    from ..running.runner import Report


def command(
    models: options.Models = None,
    tasks: options.Tasks = None,
    suites: options.Suites = None,
    plugins: options.Plugins = None,
    settings: options.Settings = None,
    tier: options.TierName = "quick",
    recipe: options.RecipeName = "common",
    seeds: Annotated[
        int | None, typer.Option("--seeds", metavar="COUNT", min=1, help="Number of seeds, starting from 0.")
    ] = None,
    seed: Annotated[
        list[int] | None, typer.Option("--seed", metavar="NUMBER", min=0, help="A seed; repeat for several.")
    ] = None,
    steps: Annotated[
        int | None, typer.Option("--steps", metavar="COUNT", help="Optimizer steps, instead of the task's budget.")
    ] = None,
    rates: Annotated[
        str, typer.Option("--learning-rates", metavar="A,B", help="Learning rates to try, instead of the tier's.")
    ] = "",
    device: options.Device = "auto",
    jobs: Annotated[
        int | None,
        typer.Option("--jobs", "-j", metavar="COUNT", min=1, help="Parallel cells. Default: one per GPU or core."),
    ] = None,
    results: options.Results = Path("results"),
    data: options.Data = None,
    rerun: Annotated[
        str,
        typer.Option(
            "--rerun",
            metavar="WHICH",
            help="missing, failed (including diverged), stale (made by an older source) or all.",
        ),
    ] = "missing",
    keep_weights: Annotated[bool, typer.Option("--keep-weights", help="Keep the trained models.")] = False,
    multiplicity: Annotated[bool, typer.Option("--multiplicity", help="Measure predictive multiplicity.")] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Print the cells and the estimated time, then stop.")
    ] = False,
    inline: Annotated[
        bool, typer.Option("--inline", help="Run in this process without limits, for debugging.")
    ] = False,
    allow_failures: Annotated[bool, typer.Option("--allow-failures", help="Exit with 0 even if cells failed.")] = False,
) -> None:
    """Run models on tasks. Finished cells are kept, so the same command resumes.

    Exit code: 0 if every cell is ok or skipped, 1 if one failed, 2 for an invalid command.

    Example: archarena run --model mamba --set mamba.d_state=8,16 --task recall-mqar --seeds 3
    """
    from ..api import make_executor, make_run
    from ..errors import StoppedError, UserError
    from ..planning.override import learning_rates, override_name
    from ..running.progress import Progress
    from ..running.run import Extras
    from ..running.runner import Runner

    if seeds is not None and seed:
        raise UserError("Use --seeds COUNT or --seed NUMBER, not both.")
    run = make_run(
        options.open_registry(plugins),
        models=models or (),
        tasks=tasks or (),
        suites=suites or (),
        plugins=plugins or (),
        settings=settings or (),
        tier=tier,
        recipe=override_name(recipe, steps, learning_rates(rates)),
        seeds=seed or (range(seeds) if seeds else None),
        results=results,
        data=data,
        device=device,
        rerun=rerun,
        extras=Extras(keep_weights, multiplicity),
    )
    if dry_run:
        _print_plan(run)
        return
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        with Progress() as progress:
            report = Runner(run, make_executor(run, jobs, inline=inline), progress).execute()
    except KeyboardInterrupt:
        message = f"Stopped. Finished cells are in {results}; run the same command to resume."
        raise StoppedError(message) from None
    _print_end(report, results)
    if report.failed and not allow_failures:
        raise typer.Exit(1)


def _print_end(report: Report, results: Path) -> None:
    from collections import Counter
    from typing import get_args

    from ..planning.find import name_of
    from ..records.record import Status

    counts = Counter(record.status for record in report.records)
    total = ", ".join(f"{counts[status]} {status}" for status in sorted(counts, key=get_args(Status).index))
    say(f"{total or 'No cells'}. The records are in {results}.")
    for record in report.failed:
        say(f"  {record.status}: {record.cell.variant} on {record.cell.task} s{record.cell.seed}: {record.reason}")
    if report.failed:
        say(f"  `archarena show {name_of(report.failed[0])} --results {results}` prints the log.")


def _print_plan(run: Run) -> None:
    import shutil
    import statistics

    from ..running.progress import span

    kept, missing = run.split()
    for note in run.plan.notes:
        say(note)
    earlier: dict[tuple[str, str, str], list[float]] = {}
    for record in run.store.read():
        if record.cost.total_seconds:
            cell = record.cell
            earlier.setdefault((cell.task, cell.tier, cell.recipe), []).append(record.cost.total_seconds)
    seconds, guessed = 0.0, False
    for keyed in (keyed for keyed in missing if keyed.cell.training is not None):
        task = keyed.cell.task
        known = earlier.get((task.name, task.tier.name, keyed.cell.recipe))
        seconds += statistics.median(known) if known else task.tier.aim_seconds
        guessed |= not known
    for group in run.together([keyed for keyed in missing if keyed.cell.training is not None]):
        first, seeds = group[0].cell.name, [f"s{keyed.cell.seed}" for keyed in group]
        say(f"  {first}" if len(group) == 1 else f"  {first} with {', '.join(seeds[1:])}: trained together")
    source = "the tier's target time if there is no record" if guessed else "earlier records"
    if guessed and any(keyed.cell.recipe.startswith("published") for keyed in missing):
        source += "; a published recipe may take many times longer"
    say(f"{len(missing)} {'cell' if len(missing) == 1 else 'cells'} to run, {len(kept)} with a record.")
    say(f"About {span(seconds)} sequentially, estimated from {source}; divide by the number of parallel cells.")
    existing = next(path for path in [run.work, *run.work.parents] if path.exists())
    say(f"{shutil.disk_usage(existing).free / 2**30:.0f} GiB free on the results disk.")
