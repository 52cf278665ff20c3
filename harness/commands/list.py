"""``archarena list``: list registered models, tasks and suites without importing them."""

from __future__ import annotations

from typing import Annotated

import typer

from ..contract.scan import KINDS, Entry
from ..errors import UserError, did_you_mean
from .options import Plugins, open_registry
from .output import say


def command(
    what: Annotated[str, typer.Argument(help="models, tasks, suites, all, or the name of a model or task")] = "all",
    plugins: Plugins = None,
) -> None:
    """List models, tasks and suites, or describe one model or task.

    Of a model: hyperparameters with defaults, the kinds of tasks that it takes, and its card. Of a task: sizes and
    budgets by tier, columns with constant reference scores, data sets and licenses.

    Example: archarena list recall-mqar
    """
    kinds = ("models", "tasks", "suites")
    registry = open_registry(plugins)
    found = [registry.find(kind, what) for kind in KINDS if what in registry.of_kind(kind)]
    for entry in found:
        _describe_one(entry)
    if found:
        return
    if what not in (*kinds, "all"):
        near = did_you_mean(what, [*kinds, *registry.models, *registry.tasks])
        advice = "Use models, tasks, suites, all or the name of a model or task."
        raise UserError(f"There is no list of '{what}'.{near} {advice}")
    for kind in kinds if what == "all" else (what,):
        say(f"{kind}:")
        if kind == "suites":
            rows = [(suite, ", ".join(entry.name for entry in registry.suite(suite))) for suite in registry.suites()]
        else:
            entries = registry.models if kind == "models" else registry.tasks
            rows = [(entry.name, _describe(entry.declared)) for entry in entries.values()]
        width = max((len(name) for name, _ in rows), default=0)
        for name, text in rows:
            say(f"  {name:<{width}}  {text}")


def _describe_one(entry: Entry) -> None:
    from ..check.facts import facts

    say(f"{entry.kind} {entry.name}: {_describe(entry.declared)}\n  source: {entry.file}")
    for line in facts(entry):
        say(f"  {line}")
    if entry.kind == "model":
        _print_card(entry)


def _print_card(entry: Entry) -> None:
    from ..planning.model_card import load_card

    card = load_card(entry.name, entry.file)
    if card is None:
        say(f"  no card ({entry.file.parent / 'cards' / entry.name}.toml)")
        return
    say(f"  multiplies: {card.multiplies}")
    for deviation in card.deviations:
        say(f"  deviation: {deviation}")
    if card.strengths:
        say(f"  strengths: {card.strengths}")
    for task, published in card.published.items():
        length = f"{published.epochs} epochs" if published.epochs else f"{published.steps} steps"
        size = f"width {published.width}, depth {published.depth}"
        say(f"  published recipe for {task}: {size}, {length} of {published.batch} rows ({published.citation})")
        for file in published.read_from:
            say(f"    read from {file}")


def _describe(declared) -> str:
    needs = ", ".join(declared.get("needs", ()))
    details = [declared.get("paper", ""), f"needs data: {needs}" if needs else ""]
    return " ".join([declared.get("summary", ""), *(f"({detail})" for detail in details if detail)])
