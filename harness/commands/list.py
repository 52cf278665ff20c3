"""``archarena list``: list registered models, tasks and suites without importing them."""

from __future__ import annotations

from typing import Annotated

import typer

from ..contract.scan import Entry
from ..errors import UserError, did_you_mean
from .options import Plugins, open_registry
from .output import say


def command(
    what: Annotated[str, typer.Argument(help="models, tasks, suites, all, or the name of a model")] = "all",
    plugins: Plugins = None,
) -> None:
    """List models, tasks and suites, or print one model's card.

    Example: archarena list tasks --plugin my_task.py
    """
    kinds = ("models", "tasks", "suites")
    registry = open_registry(plugins)
    if what in registry.models:
        _print_card(registry.models[what])
        return
    if what not in (*kinds, "all"):
        near = did_you_mean(what, [*kinds, *registry.models])
        raise UserError(f"There is no list of '{what}'.{near} Use models, tasks, suites, all or the name of a model.")
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


def _print_card(entry: Entry) -> None:
    from ..planning.model_card import load_card

    say(f"{entry.name}: {_describe(entry.declared)}\n  source: {entry.file}")
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
