"""Python interface: run models on tasks and return a table."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypedDict, Unpack, cast, get_args

from .contract.data_source import data_folder
from .contract.registry import Registry, discover
from .errors import UserError
from .planning.find import recorded_plan
from .planning.override import override_name
from .planning.plan import make_plan
from .records.record import Record
from .records.store import ResultStore
from .running.cpus import usable_cpus
from .running.environment import gpus, resolve_device
from .running.executor import Executor, Inline, Local
from .running.progress import Progress
from .running.run import Extras, Rerun, Run, Shard
from .running.runner import Runner

if TYPE_CHECKING:
    import pandas as pd


def run(
    *,
    models: str | Sequence[str] = (),
    tasks: str | Sequence[str] = (),
    suites: str | Sequence[str] = (),
    plugins: str | Path | Sequence[str | Path] = (),
    settings: str | Sequence[str] = (),
    tier: str = "quick",
    recipe: str = "common",
    seeds: int | Sequence[int] | None = None,
    steps: int | None = None,
    learning_rates: Sequence[float] = (),
    results: str | Path = "results",
    data: str | Path | None = None,
    device: str = "auto",
    jobs: int | None = None,
    rerun: Rerun = "missing",
    keep_weights: bool = False,
    multiplicity: bool = False,
    shard: str | None = None,
    progress: bool | None = None,
) -> pd.DataFrame:
    """Run models on tasks and return one row per (variant, column, seed).

    The notes on what was left out are in ``attrs["notes"]`` of the result.

    Parameters
    ----------
    models, tasks, suites
        Names, one or several. Defaults to all models not registered with ``on_request``, and to suite ``quick``.
    plugins
        Python files that register models or tasks.
    settings
        Hyperparameters, such as ``"mamba.d_state=8,16"``; each value gives a variant.
    tier
        ``smoke``, ``quick``, ``standard`` or ``full``.
    recipe
        ``common``, the same for all models; ``published``, each model's own from its card; or
        ``trade-off``, quality against training time from one run with a cyclic learning rate.
    seeds
        Number of seeds, counted from 0, or a list of seeds. Defaults to the tier's number of seeds.
    steps, learning_rates
        Optimizer steps and learning rates to try, instead of those of the task's budget and the tier. The results are
        shown as a recipe of their own, such as ``common[steps=500]``.
    results
        Results folder. Cells with a finished record there are not run again.
    data
        The data folder; by default ``ARCHARENA_DATA`` or the user's data directory.
    device
        ``auto``, ``cpu`` or ``cuda``.
    jobs
        Number of cells to run in parallel; by default one per GPU, or as many as fit on the CPUs that this
        process may use (`archarena.harness.running.cpus`).
    rerun
        ``missing``; ``failed`` (includes diverged cells); ``stale``, only cells with records of an older source, by
        default all those of the results folder; or ``all``.
    keep_weights
        Keep the trained models, for `archarena.harness.load_trained`.
    multiplicity
        Also measure predictive multiplicity with perturbed models (`archarena.harness.training.perturb`).
    shard
        ``I/N``: run only part I of N parts of the cells, for several runs that share a results folder.
    progress
        Whether to show progress; by default in a terminal and in a notebook.

    Raises
    ------
    UserError
        For any error found before the trials start. A failed trial is returned as a row.

    Examples
    --------
    >>> import archarena
    >>> archarena.run(models=["mamba", "transformer"], tasks="recall-mqar", tier="smoke")  # doctest: +SKIP
    """
    paths = [Path(plugin) for plugin in _several(plugins)]
    run = make_run(
        discover(paths),
        models=_several(models),
        tasks=_several(tasks),
        suites=_several(suites),
        plugins=paths,
        settings=_several(settings),
        tier=tier,
        recipe=override_name(recipe, steps, learning_rates),
        seeds=range(seeds) if isinstance(seeds, int) else seeds,
        results=Path(results),
        data=data,
        device=device,
        rerun=rerun,
        extras=Extras(keep_weights, multiplicity),
        shard=shard,
    )
    with Progress(quiet=not progress) if progress is not None else Progress.if_watched() as shown:
        table = frame(Runner(run, make_executor(run, jobs), shown).execute().records)
    table.attrs["notes"] = list(run.plan.notes)
    return table


def _several(names: Any) -> list[Any]:
    """Return one name or path, or a sequence of them, as a list."""
    return [names] if isinstance(names, str | Path) else list(names)


class PlannedCells(TypedDict):
    """The cells of a run, as `make_plan` takes them; see `run` for the fields."""

    models: Sequence[str]
    tasks: Sequence[str]
    suites: Sequence[str]
    settings: Sequence[str]
    tier: str
    recipe: str
    seeds: Sequence[int] | None


def make_run(
    registry: Registry,
    *,
    plugins: Sequence[Path],
    results: Path,
    data: str | Path | None,
    device: str,
    rerun: str,
    extras: Extras,
    shard: str | None = None,
    **selection: Unpack[PlannedCells],
) -> Run:
    """Return the run that a command or a call of `run` asks for; see `run` for the parameters."""
    if rerun not in get_args(Rerun):
        raise UserError(f"--rerun {rerun}: use missing, failed, stale or all.")
    folder, chosen = data_folder(data), resolve_device(device)
    if rerun == "stale" and not any(selection[name] for name in ("models", "tasks", "suites", "settings")):
        tier, recipe, seeds = selection["tier"], selection["recipe"], selection["seeds"]
        plan = recorded_plan(results, registry, tier=tier, recipe=recipe, seeds=seeds, data=folder)
    else:
        plan = make_plan(registry, data=folder, **selection)
    part = Shard.parse(shard) if shard else None
    return Run(plan, ResultStore(results), folder, chosen, plugins, extras, cast(Rerun, rerun), shard=part)


def frame(records: Iterable[Record]) -> pd.DataFrame:
    """Return records as a tidy table: one row per (variant, column, tier, seed)."""
    import pandas as pd

    rows = [
        {**record.cell.model_dump(exclude={"hyperparameters"}), "column": column, "status": record.status}
        | {"value": found.value if found else None, "metric": found.metric if found else None}
        | {"seconds": record.cost.total_seconds, "key": record.key}
        for record in records
        for column, found in (record.scores or {record.cell.task: None}).items()
    ]
    return pd.DataFrame(rows)


def make_executor(run: Run, jobs: int | None, *, inline: bool = False) -> Executor:
    """Return the executor: by default one trial per GPU, or as many as the CPU cores allow at the tier's threads."""
    if inline:
        return Inline()
    ids = tuple(gpu.id for gpu in gpus()) if run.device == "cuda" else ()
    slices = max(1, usable_cpus() // run.plan.cells[0].task.tier.threads)
    return Local(jobs or len(ids) or slices, ids)
