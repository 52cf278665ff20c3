"""The page of a run: scores, learning curves, learning rates and facts of its record."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from ...harness.records.cards import TaskCard
from ...harness.records.record import Record, Score
from ..formats import NONE, ScoreFormat, duration, energy, memory, plain, quantity
from ..read.results import Results
from .curves import CurvePanel, curve_panels

Facts = list[tuple[str, str]]
"""Names and values, in display order."""


@dataclass(frozen=True)
class ScoreView:
    """One column of the run."""

    column: str
    label: str
    value: str
    rows: int
    slices: tuple[tuple[str, tuple[tuple[str, str], ...]], ...]


@dataclass(frozen=True)
class RunView:
    """One run; `attempts` are learning rate, steps, validation score and outcome."""

    record: Record
    scores: tuple[ScoreView, ...]
    attempts: tuple[tuple[str, ...], ...]
    valid_label: str
    panels: tuple[CurvePanel, ...]
    facts: tuple[tuple[str, Facts], ...]


def run_view(record: Record, results: Results) -> RunView:
    """Return the contents of the page of one record."""
    card = results.task(record)
    valid = _valid_format(card)
    columns = dict.fromkeys([evaluation.column for evaluation in card.evaluations] + list(record.scores))
    return RunView(
        record=record,
        scores=tuple(_score(name, record.scores[name], card) for name in columns if name in record.scores),
        attempts=tuple(_attempts(record, valid)),
        valid_label=valid.label,
        panels=tuple(curve_panels(record, valid)),
        facts=tuple((name, facts) for name, facts in _facts(record) if facts),
    )


def _valid_format(card: TaskCard) -> ScoreFormat:
    """Return the format of the validation score, whose metric is that of the first evaluation."""
    return next((ScoreFormat(found.metric, found.unit) for found in card.evaluations), ScoreFormat("score", ""))


def _score(column: str, score: Score, card: TaskCard) -> ScoreView:
    evaluation = card.evaluation(column)
    write = ScoreFormat(score.metric, evaluation.unit if evaluation else "")
    slices = tuple(
        (name, tuple((group, write(value)) for group, value in groups.items())) for name, groups in score.slices.items()
    )
    return ScoreView(column, write.label, write(score.value), score.rows, slices)


def _attempts(record: Record, write: ScoreFormat) -> Iterator[tuple[str, ...]]:
    for attempt in record.attempts:
        outcome = "diverged" if attempt.diverged else "chosen" if attempt == record.chosen else "stopped"
        yield f"{attempt.learning_rate:g}", f"{attempt.steps:,}", write(attempt.valid), outcome


def _facts(record: Record) -> Iterator[tuple[str, Facts]]:
    yield "Cell", _cell(record)
    yield "Size", _size(record)
    yield "Cost", _cost(record)
    yield "Data", _data(record)
    yield "Environment", _flat(record.environment)
    yield "Key", [("sha256", record.key), ("checksum of this record", _checksum(record)), *_flat(record.key_parts)]


def _checksum(record: Record) -> str:
    return record.checksum or "none: an older version wrote this record, and its content cannot be verified"


def _cell(record: Record) -> Facts:
    cell = record.cell
    names = {"model": cell.model, "task": cell.task, "tier": cell.tier, "recipe": cell.recipe, "seed": cell.seed}
    hyperparameters = plain(cell.hyperparameters) if cell.hyperparameters else "defaults"
    end = record.chosen.end if record.chosen else ""
    ended = [("training ended", end)] if end else []
    return [*_flat(names), ("hyperparameters", hyperparameters), *ended, ("started", record.started or NONE)]


def _size(record: Record) -> Facts:
    if record.size is None:
        return []
    size = record.size
    body = f"{size.body_parameters:,}, target {size.target_parameters:,} ({100 * size.deviation:+.1f} %)"
    return [
        ("width", str(size.width)),
        ("depth", str(size.depth)),
        *((name, str(value)) for name, value in size.slack.items()),
        ("body parameters", body),
        ("total parameters", f"{size.total_parameters:,}"),
        ("lift", record.lift or "none: the model supports this input"),
        ("kernels", plain(record.kernels)),
    ]


def _cost(record: Record) -> Facts:
    cost = record.cost
    facts = [
        ("training time", duration(cost.train_seconds)),
        ("whole trial", duration(cost.total_seconds)),
        ("samples per second", quantity(cost.samples_per_second)),
        ("tokens per second", quantity(cost.tokens_per_second)),
        ("ms per step", plain(cost.step_ms)),
        ("inference per row, ms", plain(cost.inference_ms)),
        ("forward FLOPs per sample", quantity(cost.forward_flops)),
        ("recurrent state per row", memory(cost.state_bytes)),
        ("energy", energy(cost.energy_joules)),
        ("peak resident memory", memory(cost.peak_rss_bytes)),
        ("peak allocated device memory", memory(cost.peak_allocated_bytes)),
        ("peak reserved device memory", memory(cost.peak_reserved_bytes)),
    ]
    return [(name, value) for name, value in facts if value != NONE]


def _data(record: Record) -> Facts:
    data = record.data
    return [
        ("rows", plain({name: f"{count:,}" for name, count in data.rows.items()})),
        ("size", "reduced" if data.reduced else "as published"),
        ("checksum of the rows", data.checksum or NONE),
        *_flat(data.identity),
    ]


def _flat(values: dict[str, Any]) -> Facts:
    return [(name.replace("_", " "), plain(value)) for name, value in values.items()]
