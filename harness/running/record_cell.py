"""Create records from the results of trials, and the model cards used by pages."""

from __future__ import annotations

import ast
import os
import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..contract.scan import Entry
from ..data.arrays import load_array
from ..data.prepare import check_prepared, is_prepared, read_meta
from ..data.samples import sample_card
from ..errors import UserError
from ..files import read_regular
from ..planning.cell import Cell, Keyed
from ..planning.job import PREDICTIONS, WEIGHTS
from ..planning.key import data_identity
from ..planning.model_card import load_card
from ..planning.override import Override
from ..records.cards import ModelCard
from ..records.record import Artifact, CellInfo, DataInfo, Decisions, Record
from ..records.store import ResultStore
from ..text import one_line
from .decisions import decisions
from .doubts import doubts
from .environment import environment
from .executor import Result
from .own_paths import relative, without_own_paths
from .sampled import sampled_answers
from .score import NotFiniteError, check_names, keep_predictions, load_predictions, score
from .stored_arrays import ARTIFACT_BYTES


@dataclass(frozen=True)
class Recorder:
    """Makes the records of one run."""

    store: ResultStore
    device: str
    plugins: Sequence[Path] = ()
    keep_weights: bool = False

    def record(self, keyed: Keyed, folder: Path, result: Result, started: str) -> Record:
        """Return the record of a cell: with scores if its trial succeeded, otherwise with the reason and the log."""
        outcome, scores, kept, weights, rows = result.outcome, {}, None, None, None
        sampled, decided, doubted = [], None, []
        if outcome.status == "ok":
            try:
                check_prepared(keyed.arrays)
                writes_text = check_names(keyed.cell.task, folder / PREDICTIONS)
                scores, per_row = score(keyed.cell.task, keyed.arrays, folder / PREDICTIONS)
                sampled, decided = _shown(keyed, folder / PREDICTIONS)
                rows = per_row.write(self.store.folder, keyed.key)
                kept = keep_predictions(folder / PREDICTIONS, self.store.folder, keyed.key)
                if self.keep_weights:
                    weights = keep_weights(folder / WEIGHTS, self.store.folder, keyed.key)
                doubted = _doubts(keyed, folder, result, writes_text=writes_text)
            except UserError as error:
                scores, kept, weights, rows, sampled, decided = {}, None, None, None, [], None
                status = "diverged" if isinstance(error, NotFiniteError) else "crashed"
                outcome = outcome.model_copy(update={"status": status, "reason": one_line(str(error))})
        outcome = outcome.model_copy(update={"reason": self._clean(outcome.reason)})
        peak = max(result.peak_rss, outcome.cost.peak_rss_bytes or 0) or None
        cost = outcome.cost.model_copy(update={"peak_rss_bytes": peak})
        return Record(
            **{**dict(outcome), "cost": cost},
            key=keyed.key,
            key_parts=keyed.parts,
            cell=cell_info(keyed.cell),
            log_tail="" if outcome.status == "ok" else self._clean(result.log_tail),
            scores=scores,
            sampled=sampled,
            decisions=decided,
            data=_data_info(keyed),
            environment=environment(self.device),
            command=self.command(keyed.cell),
            started=started,
            predictions=kept,
            weights=weights,
            row_scores=rows,
            doubts=doubted,
        )

    def _clean(self, text: str) -> str:
        return without_own_paths(text, [*(plugin.parent for plugin in self.plugins), self.store.folder])

    def command(self, cell: Cell) -> str:
        """Return the command that runs only this cell."""
        model, task = cell.variant.entry.name, cell.task
        words = ["archarena", "run", "--model", model]
        for name, value in cell.variant.hyperparameters:
            words += ["--set", f"{model}.{name}={value}"]
        words += ["--task", task.name, "--tier", task.tier.name, "--seed", str(cell.seed), "--device", self.device]
        words += Override.named(cell.recipe).options
        for plugin in self.plugins:
            words += ["--plugin", relative(plugin)]
        return shlex.join(words)


def _shown(keyed: Keyed, file: Path) -> tuple[list[Any], Decisions | None]:
    """Return what pages show of the predictions of the first evaluation: answers on sample rows, and decisions."""
    first = keyed.cell.task.task.evaluations[0]
    predictions, outputs = load_predictions(file), read_meta(keyed.arrays).spec["outputs"]
    if first.predictions not in predictions or first.readout != "outputs":
        return [], None
    targets = load_array(keyed.arrays / "answers" / first.test / "targets.npy")
    card = sample_card(keyed.cell.task, keyed.arrays)
    answers = sampled_answers(card, outputs, predictions) if card else []
    return answers, decisions(str(outputs.get("kind", "")), predictions[first.predictions], targets)


def _doubts(keyed: Keyed, folder: Path, result: Result, *, writes_text: bool) -> list[str]:
    training, rows = keyed.cell.training, read_meta(keyed.arrays).rows["train"]
    assert training is not None
    return doubts(result.outcome, result.seen, folder / WEIGHTS, training, rows, writes_text=writes_text)


def keep_weights(weights: Path, store: Path, key: str) -> Artifact | None:
    """Copy the weights into the store, if the trial wrote any."""
    if not os.path.lexists(weights):
        return None
    return Artifact.write(store, "weights", key, read_regular(weights, ARTIFACT_BYTES), {})


def cell_info(cell: Cell) -> CellInfo:
    """Return the description of a cell for its record."""
    return CellInfo(
        variant=cell.variant.name,
        model=cell.variant.entry.name,
        hyperparameters=dict(cell.variant.hyperparameters),
        task=cell.task.name,
        tier=cell.task.tier.name,
        recipe=cell.recipe,
        seed=cell.seed,
    )


def _data_info(keyed: Keyed) -> DataInfo:
    meta = read_meta(keyed.arrays) if is_prepared(keyed.arrays) else None
    return DataInfo(
        identity=data_identity(keyed.cell.task),
        checksum=meta.checksum if meta else None,
        reduced=keyed.cell.task.reduced,
        rows=meta.rows if meta else {},
    )


def model_card(entry: Entry) -> ModelCard:
    """Return a model's card for a results folder, from its source and its own card, without importing it."""
    tree = ast.parse(entry.file.read_text(encoding="utf-8"))
    classes = {node.name: node for node in ast.walk(tree) if isinstance(node, ast.ClassDef)}
    declared = {key: entry.declared.get(key, "") for key in ("summary", "paper", "family")}
    description = ast.get_docstring(classes[entry.class_name]) or ""
    card = load_card(entry.name, entry.file)
    details = card.model_dump(mode="json", exclude_defaults=True) if card else {}
    return ModelCard(
        name=entry.name, **declared, origin=entry.module or entry.file.name, description=description, **details
    )
