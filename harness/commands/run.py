"""``archarena run``: run the cells that have no record yet."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
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
        typer.Option(
            "--jobs", "-j", metavar="COUNT", min=1, help="Parallel cells. Default: one per GPU or usable CPU."
        ),
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
    until_decided: Annotated[
        bool,
        typer.Option(
            "--until-decided", help="Add seeds where they decide most, until the top of each column is settled."
        ),
    ] = False,
    max_hours: Annotated[
        float | None,
        typer.Option(
            "--max-hours", metavar="H", min=0.0, help="With --until-decided: start no cell that would end later."
        ),
    ] = None,
    shard: Annotated[
        str | None,
        typer.Option("--shard", metavar="I/N", help="Run part I of N parts of the cells, as in an array job."),
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Print the cells and the estimated time, then stop.")
    ] = False,
    inline: Annotated[
        bool, typer.Option("--inline", help="Run in this process without limits, for debugging.")
    ] = False,
    board: Annotated[
        int | None,
        typer.Option(
            "--board", metavar="PORT", min=0, max=65535, help="Serve the board on this machine while it runs."
        ),
    ] = None,
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
    if until_decided and (seeds is not None or seed or rerun != "missing"):
        raise UserError("--until-decided chooses the seeds itself: leave out --seeds, --seed and --rerun.")
    if until_decided and shard:
        raise UserError("--until-decided looks at all cells together: leave out --shard.")
    if max_hours is not None and not until_decided:
        raise UserError("--max-hours needs --until-decided.")
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
        shard=shard,
    )
    if dry_run:
        _print_plan(run)
        return
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        with _served(results, board):
            if until_decided:
                report = _run_until_decided(run, jobs, inline, max_hours)
            else:
                with Progress() as progress:
                    report = Runner(run, make_executor(run, jobs, inline=inline), progress).execute()
    except KeyboardInterrupt:
        message = f"Stopped. Finished cells are in {results}; run the same command to resume."
        raise StoppedError(message) from None
    _print_end(report, results)
    if report.failed and not allow_failures:
        raise typer.Exit(1)


@contextmanager
def _served(results: Path, port: int | None) -> Iterator[None]:
    """Serve the board of the results on a port; 0 takes a free one, and None serves nothing."""
    if port is None:
        yield
        return
    from ...leaderboard.live import LiveBoard

    with LiveBoard(results, port) as live:
        say(f"The board is at {live.address} until the run ends.")
        yield


def _run_until_decided(run: Run, jobs: int | None, inline: bool, hours: float | None) -> Report:
    from ..api import make_executor
    from ..running.executor import Local
    from ..running.progress import Progress
    from ..running.runner import Runner
    from ..running.until_decided import UntilDecided

    executor = make_executor(run, jobs, inline=inline)

    def execute(part: Run) -> Report:
        with Progress() as progress:
            return Runner(part, executor, progress).execute()

    racing = UntilDecided(run, execute, len(executor.slots) if isinstance(executor, Local) else 1)
    report = racing.until_settled(hours)
    unsettled = racing.unsettled()
    if unsettled:
        say(f"More seeds may settle {', '.join(unsettled)}; run the same command to go on.")
    else:
        say("The top of each column is settled, as far as seeds can settle it.")
    return report


def _print_end(report: Report, results: Path) -> None:
    from collections import Counter
    from typing import get_args

    from ..planning.find import name_of
    from ..records.record import Status

    counts = Counter(record.status for record in report.records)
    total = ", ".join(f"{counts[status]} {status}" for status in sorted(counts, key=get_args(Status).index))
    say(f"{total or 'No cells'}. The records are in {results}.")
    if report.elsewhere:
        count = "1 cell is" if len(report.elsewhere) == 1 else f"{len(report.elsewhere)} cells are"
        say(f"  {count} running in another run of this folder.")
    for record in report.failed:
        say(f"  {record.status}: {record.cell.variant} on {record.cell.task} s{record.cell.seed}: {record.reason}")
    if report.failed:
        say(f"  `archarena show {name_of(report.failed[0])} --results {results}` prints the log.")


def _print_plan(run: Run) -> None:
    import shutil

    from ..running.estimate import estimate
    from ..running.progress import span

    kept, missing = run.split()
    for note in run.plan.notes:
        say(note)
    for group in run.together([keyed for keyed in missing if keyed.cell.training is not None]):
        first, seeds = group[0].cell.name, [f"s{keyed.cell.seed}" for keyed in group]
        say(f"  {first}" if len(group) == 1 else f"  {first} with {', '.join(seeds[1:])}: trained together")
    expected = estimate(missing, run.store.read())
    say(f"{len(missing)} {'cell' if len(missing) == 1 else 'cells'} to run, {len(kept)} with a record.")
    about = f"About {span(expected.seconds)} sequentially, estimated from {expected.basis}"
    say(f"{about}; divide by the number of parallel cells.")
    existing = next(path for path in [run.work, *run.work.parents] if path.exists())
    say(f"{shutil.disk_usage(existing).free / 2**30:.0f} GiB free on the results disk.")
