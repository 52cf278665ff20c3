"""The page of a run: scores, learning curves, learning rates and facts of its record."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from ...harness.records.cards import TaskCard
from ...harness.records.record import AttemptInfo, Calibration, Record, Score
from ..formats import NONE, ScoreFormat, duration, energy, memory, plain, quantity
from ..read.results import Results
from .curves import CurvePanel, curve_panels
from .samples import answer_of, target_of

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
class Event:
    """Something that happened in the trial, at a percentage of its duration; `length` is a percentage too."""

    name: str
    status: str
    time: str
    steps: str = ""
    valid: str = ""
    start: float = 0.0
    length: float = 0.0


@dataclass(frozen=True)
class PredictedRow:
    """The answer on a sample row; `right` is None if that is no question."""

    row: int
    target: str
    answer: str
    right: bool | None


@dataclass(frozen=True)
class Bin:
    """A point of the calibration curve, in SVG units of a square of 200, with its numbers."""

    x: float
    y: float
    text: str


@dataclass(frozen=True)
class RunView:
    """One run."""

    record: Record
    scores: tuple[ScoreView, ...]
    events: tuple[Event, ...]
    rows: tuple[PredictedRow, ...]
    confusion: tuple[tuple[int, ...], ...]
    calibration: tuple[Bin, ...]
    valid_label: str
    panels: tuple[CurvePanel, ...]
    facts: tuple[tuple[str, Facts], ...]


def run_view(record: Record, results: Results, earlier: Sequence[Record] = ()) -> RunView:
    """Return the contents of the page of one record; `earlier` are older records of the same cell."""
    card = results.task(record)
    valid = _valid_format(card)
    columns = dict.fromkeys([evaluation.column for evaluation in card.evaluations] + list(record.scores))
    return RunView(
        record=record,
        scores=tuple(_score(name, record.scores[name], card) for name in columns if name in record.scores),
        events=tuple(_events(record, earlier, valid)),
        rows=tuple(_rows(record, results)),
        confusion=tuple(tuple(line) for line in record.decisions.confusion) if record.decisions else (),
        calibration=tuple(map(_bin, record.decisions.calibration)) if record.decisions else (),
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


def _events(record: Record, earlier: Sequence[Record], write: ScoreFormat) -> Iterator[Event]:
    """Yield earlier results of the cell, and the parts of the trial: learning rates in order, then the rest."""
    for older in earlier:
        yield Event("earlier result", older.status, older.started or NONE)
    total = record.cost.total_seconds or sum(attempt_seconds(attempt) for attempt in record.attempts)
    at = 0.0
    for attempt in sorted(record.attempts, key=lambda one: one == record.chosen):
        seconds = min(attempt_seconds(attempt), total - at)
        outcome = "diverged" if attempt.diverged else "chosen" if attempt == record.chosen else "stopped"
        yield Event(
            f"learning rate {attempt.learning_rate:g}",
            outcome,
            duration(seconds),
            f"{attempt.steps:,}",
            write(attempt.valid),
            round(100 * at / total, 1) if total else 0.0,
            round(100 * seconds / total, 1) if total else 0.0,
        )
        at += seconds
    if record.attempts and total > at:
        share = round(100 * at / total, 1)
        yield Event("validation, tests, other", "", duration(total - at), start=share, length=round(100 - share, 1))


def attempt_seconds(attempt: AttemptInfo) -> float:
    """Return the seconds of training of one learning rate, from its curve."""
    return attempt.curve[-1].seconds if attempt.curve else 0.0


def _rows(record: Record, results: Results) -> Iterator[PredictedRow]:
    card = results.samples.get((record.cell.task, record.cell.tier))
    kind = str(results.task(record).spec.get("outputs", {}).get("kind", ""))
    for row, found in zip(card.rows if card else [], record.sampled, strict=False):
        answer = answer_of("", "", [found], row, kind) if card else None
        if answer and kind != "NextToken":
            right = None if any(good is None for _, good in answer.parts) else answer.right
            yield PredictedRow(row.row, target_of(row, kind), " ".join(text for text, _ in answer.parts), right)


def _bin(found: Calibration) -> Bin:
    text = f"predicted {found.predicted:.3f}, observed {found.observed:.3f}, {found.rows:,} rows"
    return Bin(round(200 * found.predicted, 1), round(200 * (1 - found.observed), 1), text)


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
    share = f"{cost.members} seeds; times and memory are this cell's share" if cost.members > 1 else NONE
    facts = [
        ("trained together", share),
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
