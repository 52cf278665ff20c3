"""Load the trained model of a finished cell."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from safetensors.torch import load

from ..contract.registry import discover
from ..contract.spec import Size, TaskSpec, spec_from_json
from ..errors import UserError
from ..planning.find import find_entry, find_record, name_of
from ..records.cards import TaskCard
from ..records.record import Record
from ..records.store import ResultStore
from .build import build
from .module import Built


def load_trained(results: str | Path, cell: str, *, plugins: Sequence[str | Path] = (), device: str = "cpu") -> Built:
    """Return the trained model of a cell that was run with ``--keep-weights``, in evaluation mode.

    Parameters
    ----------
    results
        The results folder.
    cell
        ``VARIANT/TASK[/TIER/sSEED]``, or a prefix of a key.
    plugins
        Python files that register the model.

    Raises
    ------
    UserError
        If there is no such cell or several match, its weights were not kept or do not match the record, or the
        model has changed and the weights no longer fit.

    Examples
    --------
    >>> model = load_trained("results", "mamba/recall-mqar/quick/s0")  # doctest: +SKIP
    >>> model(tokens=tokens, lengths=lengths)  # doctest: +SKIP
    """
    store, record = find_record([Path(results)], cell)
    if record.weights is None or record.size is None:
        raise UserError(f"The weights of {name_of(record)} were not kept: run {record.command} --keep-weights.")
    content = record.weights.read(store.folder)
    cls = find_entry(discover([Path(plugin) for plugin in plugins]), "model", record).load()
    settings = {**record.key_parts["hyperparameters"], **record.size.slack}
    size = Size(record.size.width, record.size.depth)
    model = build(cls, _spec(store, record), size, **settings)
    try:
        model.load_state_dict(load(content))
    except RuntimeError as error:
        message = f"The weights of {name_of(record)} do not fit the current model; see archarena why."
        raise UserError(message) from error
    return model.to(device).eval()


def _spec(store: ResultStore, record: Record) -> TaskSpec:
    cell = record.cell
    card = store.card(TaskCard, cell.task, cell.tier)
    if card is None:
        where = f"{store.folder} has no card for task {cell.task} at tier {cell.tier}"
        raise UserError(f"{where}: copy its cards/ folder too.")
    return spec_from_json(card.spec)
