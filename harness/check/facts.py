"""What a registered model or task says about itself: printed by ``archarena list NAME``."""

from __future__ import annotations

import inspect
from typing import Any

from ..contract.hyperparameters import hyperparameters_of, init_parameters, kind_of
from ..contract.model import Model
from ..contract.scan import Entry
from ..planning.cell import PlannedTask
from ..planning.job import ClassLocation
from ..planning.tier import TIERS
from ..processes.in_child import call_in_child
from .samples import SPECS


def facts(entry: Entry) -> list[str]:
    """Return lines about a model or task. The code of a plugin runs in a child process."""
    location = ClassLocation.of(entry).model_dump(mode="json")
    if not entry.is_plugin:
        return _facts(location)
    return call_in_child(f"The code of {entry.kind} '{entry.name}' in {entry.origin}", _facts, location)


def _facts(location: dict[str, Any]) -> list[str]:
    entry = ClassLocation.model_validate(location).entry
    return list(_of_model(entry) if entry.kind == "model" else _of_task(entry))


def _of_model(entry: Entry):
    cls = entry.load()
    for name, parameter in hyperparameters_of(cls).items():
        low, high = getattr(cls, "bounds", {}).get(name, (None, None))
        bounds = f", from {low:,} to {high:,}" if low is not None else ""
        yield f"hyperparameter {name}: {kind_of(parameter)}, default {parameter.default!r}{bounds}"
    if "depth" in init_parameters(cls):
        yield "hyperparameter depth: int, by default that of the tier"
    if not issubclass(cls, Model):
        yield "runs on evaluations of generated answers"
        return
    refused = {name: reason for name, spec in SPECS.items() if (reason := cls.supports(spec))}
    accepted = [name for name in SPECS if name not in refused]
    yield "runs on every kind of task" if not refused else f"runs on these kinds of tasks: {', '.join(accepted)}"
    for reason in dict.fromkeys(refused.values()):
        yield f"not on others: {reason}"


def _of_task(entry: Entry):
    cls: Any = entry.load()
    for tier in (tier for tier in TIERS.values() if tier.name in cls.arguments and tier.name in cls.budgets):
        task = PlannedTask.of(entry, tier)
        sizes = ", ".join(f"{name} {value}" for name, value in cls.arguments[tier.name].items()) or "all rows"
        reduced = ", smaller than published" if task.reduced else ""
        yield f"tier {tier.name}: {sizes}{reduced}; {task.budget.steps:,} steps of {task.budget.batch} rows"
    for e in PlannedTask.of(
        entry, next(tier for tier in TIERS.values() if tier.name in cls.arguments)
    ).task.evaluations:
        known = {"chance": e.chance, "ceiling": e.ceiling}
        constants = "".join(f", {kind} {value:.4g}" for kind, value in known.items() if value is not None)
        name = f"{entry.name}-{e.name}" if e.name else entry.name
        yield f"column {name}: {e.scorer.name} ({e.scorer.direction} is better){constants}. {e.summary}"
    if "reference_scores" in cls.__dict__:
        yield "other reference scores: computed from the rows of a run; its page shows them"
    for source in cls.data_sources:
        yield f"data {source.name}: {source.summary}. License: {source.license}."
    if not cls.data_sources:
        yield "data: generated, no files are needed"
    if doc := inspect.getdoc(cls):
        yield doc.partition("\n\n")[0].replace("\n", " ")
