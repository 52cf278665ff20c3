"""The column that records of several variants and seeds give."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ..contract.metrics import METRICS
from ..records.cards import EvaluationCard
from ..records.hashes import canonical_hash
from ..records.record import Record
from ..records.row_scores import RowScores
from .column import Column
from .runs import Runs


def column_of(
    evaluation: EvaluationCard, records: Mapping[str, Sequence[Record]], per_row: Mapping[str, RowScores]
) -> Column:
    """Return the column of an evaluation.

    Parameters
    ----------
    records
        Records by variant, one per seed; all have a score in the column.
    per_row
        Scores per row by the record's key.
    """
    runs = {variant: _runs(evaluation, own, per_row) for variant, own in records.items()}
    return Column(runs, margin_of(evaluation), evaluation.solved, evaluation.direction == "higher")


def margin_of(evaluation: EvaluationCard) -> float | None:
    """Return the difference below which scores count as equal: the task's, or the metric's for older cards."""
    metric = METRICS.get(evaluation.metric)
    return evaluation.margin if evaluation.margin is not None or metric is None else metric.margin


def _runs(evaluation: EvaluationCard, records: Sequence[Record], per_row: Mapping[str, RowScores]) -> Runs:
    scores = [record.scores[evaluation.column] for record in records]
    values = [score.value for score in scores if score.value is not None]
    return Runs.of(
        values,
        [per_row[record.key].columns.get(evaluation.column) for record in records],
        scores[0].clusters or scores[0].rows,
        is_share=evaluation.unit == "fraction" and all(0 <= value <= 1 for value in values),
        test_set=canonical_hash(records[0].data.identity),
    )
