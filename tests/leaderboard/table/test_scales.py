import pytest
from archarena.harness.records.cards import EvaluationCard, TaskCard
from archarena.leaderboard.table.columns import CellView, ColumnView
from archarena.leaderboard.table.scales import LEVELS, Scale, column_scale, shade


def column(means, references=(), *, direction="higher", unit="fraction"):
    scores = [{"column": "t", "name": kind, "kind": kind, "value": value} for kind, value in references]
    card = TaskCard(task="t", tier="quick", reference_scores=scores)
    evaluation = EvaluationCard(column="t", metric="accuracy", direction=direction, unit=unit)
    cells = {f"m{i}": CellView(value=mean) for i, mean in enumerate(means)}
    return ColumnView("t", "suite", card, evaluation, "tasks/t.html", cells, None)


@pytest.mark.parametrize(
    ("options", "low", "high"),
    [
        ({"references": [("chance", 0.1), ("baseline", 0.3), ("ceiling", 0.9)]}, 0.1, 0.9),
        ({"references": [("baseline", 0.4), ("baseline", 0.3)]}, 0.3, 1.0),
        ({"references": [("baseline", 5.0), ("baseline", 4.0)], "direction": "lower", "unit": "bits"}, 5.0, 2.0),
    ],
)
def test_a_scale_runs_from_the_easiest_reference_score_to_the_ceiling_or_the_best_mean(options, low, high):
    found = column_scale(column([2.0, 3.0], **options))
    assert (found.low, found.high) == (low, high)
    assert (found(low), found(high)) == (0, 1)


def test_without_a_reference_score_or_anything_better_there_is_no_scale():
    assert column_scale(column([0.5])) is None
    assert column_scale(column([6.0], [("baseline", 5.0)], direction="lower", unit="bits")) is None


@pytest.mark.parametrize(("value", "level"), [(0.05, 0), (0.1, 0), (0.2, 1), (0.5, 4), (1.0, LEVELS), (1.3, LEVELS)])
def test_the_shade_grows_from_the_reference_score_to_the_ceiling(value, level):
    assert shade(CellView(value=value), Scale(0.1, 1.0, "chance", "ceiling")).level == level


def test_the_interval_stays_inside_the_scale():
    found = shade(CellView(value=0.5, spread=0.75), Scale(0.0, 1.0, "chance", "ceiling"))
    assert (found.start, found.middle, found.end) == (0, 50, 100)
    lower = shade(CellView(value=3.0, spread=0.5), Scale(5.0, 1.0, "unigram", "the best mean"))
    assert (lower.start, lower.middle, lower.end) == (38, 50, 62)
