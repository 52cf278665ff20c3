"""Averages of a suite: which columns they cover, and which rows have none."""

import pytest
from archarena.leaderboard.table.averages import average_columns, average_rows, read_averages


def row(
    column, value=0.5, *, suite="recall", seed=0, variant="mamba", chance=0.0, ceiling=1.0, reduced=True, task=None
):
    span = None if None in (chance, ceiling, value) else (value - chance) / (ceiling - chance)
    names = {"variant": variant, "model": variant, "family": "f", "hyperparameters": "{}", "seed": seed}
    place = {"tier": "quick", "recipe": "common", "device": "cpu", "protocol": "1", "sizing": "fitted", "suite": suite}
    bounds = {"chance": chance, "ceiling": ceiling, "value": value, "normalized": span}
    return names | place | bounds | {"task": task or column, "column": column, "reduced": reduced, "after_steps": None}


def values(rows):
    return {(found["variant"], found["seed"]): found["value"] for found in average_rows(rows)}


def test_an_average_is_of_normalized_scores():
    rows = [row("a", 0.75, chance=0.5), row("b", 0.5, chance=0.0)]
    assert values(rows) == {("mamba", 0): pytest.approx(0.5)}


def test_each_seed_has_its_own_average():
    rows = [row(column, value, seed=seed) for seed, value in enumerate((0.2, 0.4)) for column in "ab"]
    assert values(rows) == {("mamba", 0): pytest.approx(0.2), ("mamba", 1): pytest.approx(0.4)}


def test_columns_without_a_known_ceiling_do_not_enter():
    (column,) = average_columns([row("a"), row("b"), row("c", ceiling=None)])
    assert column.average.columns == ("a", "b")


def test_a_task_counts_once_by_its_first_column():
    (column,) = average_columns([row("a"), row("a-2x", task="a"), row("b")])
    assert column.average.columns == ("a", "b")


def test_one_column_has_no_average():
    assert average_columns([row("a"), row("b", suite="math")]) == []


def test_reduced_tasks_are_never_averaged_with_published_ones():
    (column,) = average_columns([row("a", reduced=False), row("b", reduced=False), row("c")])
    assert (column.average.columns, column.reduced) == (("a", "b"), False)
    assert average_columns([row("a", reduced=False), row("b"), row("c")]) == []


def test_a_missing_column_leaves_no_average_and_is_reported():
    (found,) = average_rows([row("a"), row("b", None)])
    assert (found["status"], found["value"]) == ("incomplete", None)
    assert found["reason"] == "1 of 2 columns have a score."


def lra(count, **changes):
    names = read_averages()[1].columns[:count]
    return [row(name, 0.8, suite="lra", chance=None, ceiling=None, **changes) for name in names]


def test_the_lra_averages_are_of_plain_accuracies_over_five_and_six_tasks():
    assert [column.average.column for column in average_columns(lra(5))] == ["lra-average-5"]
    assert [column.average.column for column in average_columns(lra(6))] == ["lra-average-5", "lra-average-6"]
    assert [found["value"] for found in average_rows(lra(6))] == pytest.approx([0.8, 0.8])
    assert average_columns(lra(4)) == []


def test_the_lra_averages_need_tasks_of_one_size():
    rows = lra(5)
    rows[0]["reduced"] = False
    assert average_columns(rows) == []
