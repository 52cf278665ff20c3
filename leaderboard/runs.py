"""What a run's page shows, worked out from its record."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from ..harness.records.record import Record, Score
from .curves import Panel, curve_panels
from .formats import NONE, ScoreFormat, duration, energy, memory, plain, quantity
from .sources import Sources

Facts = list[tuple[str, str]]
"""Names and values, in the order in which they are read."""


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
    """One trial."""

    record: Record
    scores: tuple[ScoreView, ...]
    tries: tuple[tuple[str, ...], ...]
    valid_label: str
    panels: tuple[Panel, ...]
    facts: tuple[tuple[str, Facts], ...]


def run_view(record: Record, sources: Sources) -> RunView:
    """Return what the page of one record shows."""
    first = _first_format(record, sources)
    return RunView(
        record=record,
        scores=tuple(_score(column, record.scores[column], sources, record) for column in _columns(record, sources)),
        tries=tuple(_tries(record, first)),
        valid_label=first.label,
        panels=tuple(curve_panels(record, first)),
        facts=tuple((name, facts) for name, facts in _facts(record) if facts),
    )


def _columns(record: Record, sources: Sources) -> list[str]:
    """Return the scored columns in the task's order."""
    declared = [evaluation.column for evaluation in sources.task(record).evaluations]
    return [column for column in dict.fromkeys([*declared, *record.scores]) if column in record.scores]


def _format(column: str, score: Score, sources: Sources, record: Record) -> ScoreFormat:
    evaluation = sources.task(record).evaluation(column)
    return ScoreFormat(score.metric, evaluation.unit if evaluation else "")


def _first_format(record: Record, sources: Sources) -> ScoreFormat:
    """Return the format of the task's first metric, which is the one read on the validation rows."""
    evaluations = sources.task(record).evaluations
    return ScoreFormat(evaluations[0].metric, evaluations[0].unit) if evaluations else ScoreFormat("score", "")


def _score(column: str, score: Score, sources: Sources, record: Record) -> ScoreView:
    write = _format(column, score, sources, record)
    slices = tuple(
        (name, tuple((group, write(value)) for group, value in groups.items())) for name, groups in score.slices.items()
    )
    return ScoreView(column, write.label, write(score.value), score.rows, slices)


def _tries(record: Record, write: ScoreFormat) -> Iterator[tuple[str, ...]]:
    for attempt in record.tries:
        chosen = attempt.learning_rate == record.learning_rate
        outcome = "diverged" if attempt.diverged else "kept" if chosen else "stopped"
        yield f"{attempt.learning_rate:g}", f"{attempt.steps:,}", write(attempt.valid), outcome


def _facts(record: Record) -> Iterator[tuple[str, Facts]]:
    yield "Cell", _cell(record)
    yield "Size", _size(record)
    yield "Cost", _cost(record)
    yield "Data", _data(record)
    yield "Environment", _flat(record.environment)
    yield "Key", [("sha256", record.key), *_flat(record.key_parts)]


def _cell(record: Record) -> Facts:
    cell = record.cell
    settings = [("hyperparameters", plain(cell.hyperparameters) if cell.hyperparameters else "defaults")]
    named = {"model": cell.model, "task": cell.task, "tier": cell.tier, "recipe": cell.recipe, "seed": cell.seed}
    return [*_flat(named), *settings, ("started", record.started or NONE)]


def _size(record: Record) -> Facts:
    if record.size is None:
        return []
    size = record.size
    return [
        ("width", str(size.width)),
        ("depth", str(size.depth)),
        *((name, str(value)) for name, value in size.slack.items()),
        ("body parameters", f"{size.body_parameters:,} of a budget of {size.budget:,} ({100 * size.deviation:+.1f} %)"),
        ("total parameters", f"{size.total_parameters:,}"),
        ("lift", record.lift or "none: the model takes this input itself"),
        ("kernels", plain(record.kernels)),
    ]


def _cost(record: Record) -> Facts:
    cost = record.cost
    facts = [
        ("training", duration(cost.train_seconds)),
        ("whole trial", duration(cost.total_seconds)),
        ("samples a second", quantity(cost.samples_per_second)),
        ("tokens a second", quantity(cost.tokens_per_second)),
        ("step, ms", plain(cost.step_ms)),
        ("inference of a row, ms", plain(cost.inference_ms)),
        ("forward FLOPs a sample", quantity(cost.forward_flops)),
        ("recurrent state of a row", memory(cost.state_bytes)),
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
        ("size", "smaller than published" if data.reduced else "as published"),
        ("checksum of the rows", data.checksum or NONE),
        *_flat(data.identity),
    ]


def _flat(values: dict[str, Any]) -> Facts:
    return [(name.replace("_", " "), plain(value)) for name, value in values.items()]
