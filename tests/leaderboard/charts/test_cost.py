"""The charts of a whole section: score against cost, mean ranks and wins."""

import pytest
from archarena.leaderboard.charts.cost import cost_charts
from archarena.leaderboard.charts.ranking import rank_chart
from archarena.leaderboard.pages.site import make_site
from archarena.leaderboard.read.results import read_results
from archarena.leaderboard.table.wins import wins

MODELS = {"slow": (0.9, 40.0), "fast": (0.5, 10.0), "wasteful": (0.3, 60.0)}


@pytest.fixture
def section(results, make_record, task_card):
    """Return a function that gives the section of three models on some tasks with three seeds, and its cells."""

    def make(count=2, *, without=()):
        tasks = [f"task-{number}" for number in range(count)]
        cost = make_record().cost
        records = [
            make_record(name, task, seed, value + 0.01 * seed, cost=cost.model_copy(update={"train_seconds": seconds}))
            for name, (value, seconds) in MODELS.items()
            for task in tasks
            for seed in range(3)
            if (name, task) not in without
        ]
        bounds = (("chance", 0.1), ("ceiling", 1.0))
        cards = [
            task_card(
                task,
                [task],
                reference_scores=[{"column": task, "name": n, "kind": n, "value": v} for n, v in bounds],
            )
            for task in tasks
        ]
        site = make_site(read_results([results(*records, tasks=cards)]))
        return site.sections[0], site.scores_of(site.sections[0])

    return make


def test_better_is_higher_cheaper_is_further_left_and_the_frontier_joins_the_best(section):
    found = cost_charts(*section())
    assert (found.tasks, found.left_out) == (2, 0)
    (time, *_) = found.charts
    points = {point.name: point for point in time.points}
    assert points["fast"].x < points["slow"].x < points["wasteful"].x
    assert points["slow"].y < points["fast"].y < points["wasteful"].y
    assert time.front.startswith(f"M{points['fast'].x} {points['fast'].y}H{points['slow'].x}")
    assert str(points["wasteful"].x) not in time.front


def test_a_row_without_all_scores_is_left_out_of_the_mean(section):
    found = cost_charts(*section(without=[("slow", "task-1")]))
    assert found.left_out == 1
    assert {point.name for point in found.charts[0].points} == {"fast", "wasteful"}


def test_ranks_are_ordered_and_need_enough_tasks(section):
    assert rank_chart(section(2)[0]) is None
    found = rank_chart(section(6)[0])
    assert [row.name for row in found.rows] == ["slow", "fast", "wasteful"]
    assert found.rows[0].x < found.rows[1].x < found.rows[2].x
    assert all(y < end <= found.bottom for _, y, end in found.bars)


def test_wins_are_the_share_of_tasks_on_which_a_row_is_better(section):
    found = wins(section()[0])
    assert found.names == ("slow", "fast", "wasteful")
    assert found.shares == ((None, 1, 1), (0, None, 1), (0, 0, None))
