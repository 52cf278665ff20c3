"""Planning: turning a user's request into a list of cells."""

from __future__ import annotations

import ast
import itertools
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from ..contract.data_source import MissingDataError
from ..contract.registry import Registry
from ..contract.scan import Entry
from ..contract.spec import Size
from ..contract.task import Task
from ..errors import UserError, did_you_mean
from ..records.record import LARGEST_SEED, LONGEST_VARIANT
from ..text import shortened
from .cell import Cell, Plan, PlannedTask, Variant
from .examine import examine_hyperparameters, examine_task
from .model_card import load_card
from .override import Override
from .recipe import Training, trade_off
from .tier import Tier, get_tier

MOST_CELLS = 5_000
"""Number of cells of a run; planning takes some milliseconds per cell."""


def make_plan(
    registry: Registry,
    *,
    models: Sequence[str] = (),
    tasks: Sequence[str] = (),
    suites: Sequence[str] = (),
    settings: Sequence[str] = (),
    tier: str = "quick",
    recipe: str = "common",
    seeds: Sequence[int] | None = None,
    data: Path,
) -> Plan:
    """Return the cells for the named models (by default those of `usual_models`) and tasks.

    The data of an explicitly named task must be available; a task of a suite without its data is
    left out with a note.

    Raises
    ------
    UserError
        For an unknown name or setting, absent data, or an empty plan.
    """
    chosen_tier = get_tier(tier)
    if Override.named(recipe).recipe == "published" and settings:
        raise UserError(f"--set {settings[0]}: a published recipe fixes the hyperparameters; omit --set or --recipe.")
    variants = make_variants(registry, models or usual_models(registry), settings)
    planned, notes = _make_tasks(registry, tasks, suites, chosen_tier, data)
    if not planned or not variants:
        raise UserError(" ".join(["Nothing to run.", *notes]))
    chosen = range(chosen_tier.seeds) if seeds is None else seeds
    chosen = chosen if isinstance(chosen, range) else list(dict.fromkeys(chosen))
    _check_size(len(planned) * len(chosen) * len(variants))
    for seed in chosen:
        if not 0 <= seed <= LARGEST_SEED:
            raise UserError(f"--seed {seed}: use a number from 0 to {LARGEST_SEED}.")
    cells = [make_cell(variant, task, seed, recipe) for task in planned for seed in chosen for variant in variants]
    return Plan(tuple(cells), tuple(notes))


def _check_size(cells: int) -> None:
    if cells > MOST_CELLS:
        raise UserError(f"These are {cells:,} cells, but a run has at most {MOST_CELLS:,}: use several runs.")


def make_cell(variant: Variant, task: PlannedTask, seed: int, recipe: str) -> Cell:
    """Return a cell with the training setup of its recipe, which may be overridden (`Override.named`).

    Raises `UserError` for an unknown recipe or an invalid card.
    """
    override = Override.named(recipe)
    if override.recipe == "published":
        training = _published(variant.entry, task)
    else:
        how = trade_off(task.tier.recipe) if override.recipe == "trade-off" else task.tier.recipe
        how = replace(how, patience=0.0) if task.task.plateau else how
        training = Training(how, task.budget.batch, task.budget.steps)
    return Cell(variant, task, seed, override.name, training and override.applied(training))


def _published(entry: Entry, task: PlannedTask) -> Training | None:
    card = load_card(entry.name, entry.file)
    found = card.published.get(task.task.recipes_of or task.name) if card else None
    if found is None:
        return None
    _check_hyperparameters(entry, {name: (value,) for name, value in found.hyperparameters.items()})
    return Training(
        found.recipe,
        task.budget.batch if task.task.recipes_of else found.batch,
        found.steps,
        found.epochs,
        Size(found.width, found.depth),
        tuple(sorted(found.hyperparameters.items())),
    )


def _make_tasks(
    registry: Registry, tasks: Sequence[str], suites: Sequence[str], tier: Tier, data: Path
) -> tuple[list[PlannedTask], list[str]]:
    named = {name: registry.find("task", name) for name in tasks}
    wanted = dict(named)
    for suite in suites or (() if tasks else ("quick",)):
        wanted |= {entry.name: entry for entry in registry.suite(suite)}
    planned, notes, without_data = [], [], []
    for name, entry in wanted.items():
        try:
            planned.append(plan_task(entry, tier, data))
        except UserError as error:
            if name in named:
                raise
            if isinstance(error, MissingDataError):
                without_data.append(name)
            else:
                notes.append(f"Left out {name}: {error}")
    if without_data:
        notes.append(
            f"Left out {' and '.join(without_data)}, whose data is missing: ARCHARENA_HUB=1 downloads it from the hub, "
            "and `archarena data status` says where to put your own copy."
        )
    return planned, notes


def plan_task(entry: Entry, tier: Tier, data: Path) -> PlannedTask:
    """Return a task planned at a tier.

    Raises `UserError` if the task cannot be imported, has no such tier, or its data is unavailable. A plugin's task
    is first made in a child process.
    """
    if entry.is_plugin:
        examine_task(entry, tier.name, data)
    return load_task(entry, tier, data)


def load_task(entry: Entry, tier: Tier, data: Path) -> PlannedTask:
    """Return a task planned at a tier, as `plan_task` does, but import and make it in this process."""
    cls = entry.load()
    if not issubclass(cls, Task):
        raise UserError(f"Task '{entry.name}' is not a subclass of archarena.harness.Task.")
    if tier.name not in cls.arguments or tier.name not in cls.budgets:
        raise UserError(f"Task '{entry.name}' has no tier '{tier.name}', only {', '.join(cls.arguments)}.")
    for source in cls.data_sources:
        try:
            source.resolve(data)
        except UserError as error:
            if str(error) == source.missing(data):
                raise MissingDataError(str(error)) from None
            raise
    return PlannedTask.of(entry, tier)


def usual_models(registry: Registry) -> list[str]:
    """Return the models of a run that names none: all except those registered with `on_request`."""
    return [name for name, entry in registry.models.items() if not entry.declared.get("on_request")]


def make_variants(registry: Registry, models: Iterable[str], settings: Sequence[str]) -> list[Variant]:
    """Return the variants: every model with every combination of its ``MODEL.NAME=V1,V2`` settings."""
    given = [_named_variant(name) for name in dict.fromkeys(models)]
    entries = {name: registry.find("model", name) for name, _ in given}
    grids: dict[str, dict[str, tuple[Any, ...]]] = {name: {} for name in entries}
    for setting in settings:
        model, parameter, values = parse_setting(setting)
        if model not in entries:
            raise UserError(f"--set {setting}: model '{model}' is not in this run.{did_you_mean(model, entries)}")
        grids[model][parameter] = values
    for name, grid in grids.items():
        _check_hyperparameters(entries[name], grid)
    _check_size(sum(math.prod(map(len, grid.values())) for grid in grids.values()))
    for name, settings_of_one in given:
        _check_hyperparameters(entries[name], {parameter: (value,) for parameter, value in settings_of_one.items()})
        _check_required(entries[name], {*grids[name], *settings_of_one})
    variants = list(
        dict.fromkeys(
            Variant(entries[name], tuple(sorted({**settings_of_one, **dict(zip(grid, values, strict=True))}.items())))
            for name, settings_of_one in given
            for grid in [grids[name]]
            for values in itertools.product(*grid.values())
        )
    )
    if long := next((variant for variant in variants if len(variant.name) > LONGEST_VARIANT), None):
        raise UserError(f"The name of variant {shortened(long.name, 80)} has more than {LONGEST_VARIANT} characters.")
    return variants


def _named_variant(name: str) -> tuple[str, dict[str, Any]]:
    """Return the model and the settings of a name such as ``mamba[d_state=8,depth=2]``."""
    model, bracket, inner = name.partition("[")
    if not bracket:
        return name, {}
    if not inner.endswith("]"):
        raise UserError(f"--model {shortened(name)}: use NAME or NAME[HYPERPARAMETER=VALUE,...].")
    parsed = [parse_setting(f"{model}.{setting}") for setting in inner[:-1].split(",")]
    return model, {parameter: values[0] for _, parameter, values in parsed}


def _check_required(entry: Entry, settings: set[str]) -> None:
    """Raise `UserError` if a hyperparameter without a usable default is not set."""
    for parameter in entry.declared.get("requires", ()):
        if parameter not in settings:
            name = f"{entry.name}.{parameter}"
            raise UserError(f"Model '{entry.name}' runs only with a value of {parameter}: add --set {name}=VALUE.")


def parse_setting(setting: str) -> tuple[str, str, tuple[Any, ...]]:
    """Return model, hyperparameter and values of a setting such as ``mamba.d_state=8,16``."""
    target, equals, values = setting.partition("=")
    model, dot, parameter = target.partition(".")
    if not (equals and dot and model and parameter and values):
        raise UserError(f"--set {setting}: use MODEL.HYPERPARAMETER=VALUE[,VALUE...], such as mamba.d_state=8,16.")
    return model, parameter, tuple(dict.fromkeys(_value(setting, value) for value in values.split(",")))


def _value(setting: str, text: str) -> Any:
    """Return the value of one item of a setting; raise `UserError` if a record could not store or show it."""
    value = _literal(text)
    if isinstance(value, float) and not math.isfinite(value):
        raise UserError(f"--set {shortened(setting)}: {shortened(text)} is too large.")
    if value not in (None, ()) and not isinstance(value, int | float | str):
        raise UserError(f"--set {shortened(setting)}: {shortened(text)} is not a number, a text, true, false or none.")
    if isinstance(value, str) and not value.isprintable():
        raise UserError(f"--set {shortened(setting)}: the value contains invisible characters.")
    return value


def _literal(text: str) -> Any:
    words = {"true": True, "false": False, "none": None}
    if text.lower() in words:
        return words[text.lower()]
    try:
        return ast.literal_eval(text)
    except (ValueError, SyntaxError, RecursionError, MemoryError):
        return text


def _check_hyperparameters(entry: Entry, grid: Mapping[str, tuple[Any, ...]]) -> None:
    if not grid:
        return
    if entry.is_plugin:
        examine_hyperparameters(entry, grid)
        return
    from ..contract.hyperparameters import check_grid

    check_grid(entry.load(), grid)
