from archarena.harness.records.cards import EvaluationCard, TaskCard
from archarena.leaderboard.pages.forest import LETTER, WIDTH, forest
from archarena.leaderboard.table.columns import CellView, ColumnView, SeedView


def column(*references):
    scores = [{"column": "t", "name": name, "kind": "baseline", "value": value} for name, value in references]
    evaluation = EvaluationCard(column="t", metric="accuracy", direction="higher", unit="fraction")
    return ColumnView(
        "t", "s", TaskCard(task="t", tier="quick", reference_scores=scores), evaluation, "t.html", {}, None
    )


def test_dots_lie_in_the_order_of_their_scores_with_their_seeds():
    seeds = tuple(SeedView(seed, "ok", "", value, "", "") for seed, value in enumerate((0.5, 0.6)))
    cells = [CellView(value=0.9, spread=0.05), CellView(seeds, value=0.55, spread=0.3), CellView()]
    best, other, none = forest(column(("majority", 0.2)), cells).rows
    assert 0 < other.start < other.seeds[0] < other.middle < other.seeds[1] < other.end <= best.middle + WIDTH
    assert best.middle > other.middle
    assert none is None


def test_labels_of_reference_scores_never_overlap():
    names = [(f"a rather long name {number}", 0.2 + 0.01 * number) for number in range(6)]
    marks = forest(column(*names), [CellView(value=0.5)]).marks
    for one in marks:
        for other in marks:
            if one is not other and one.line == other.line:
                assert abs(one.x - other.x) > LETTER * len(one.name) / 2


def test_without_a_score_there_is_no_plot():
    assert forest(column(), [CellView()]) is None
