import csv
import io
import json
import re

import pandas as pd
import pytest
from archarena.leaderboard.published_results import PublishedResult
from archarena.leaderboard.sources import read_sources
from archarena.leaderboard.table import COLUMNS, make_table, newest, page_names, rows_of, to_csv, to_json


@pytest.fixture
def table_of(results):
    def make(*records, **cards):
        return make_table(read_sources([results(*records, **cards)]))

    return make


@pytest.fixture
def scores_of(table_of):
    """Return a function from records to the rows of the table that are scores."""

    def make(*records, **cards):
        table, _ = table_of(*records, **cards)
        return table[table["kind"] == "score"]

    return make


def test_one_row_a_cell_and_column(table_of, make_record, task_card):
    scores = {"math-lm": 2.6, "math-choice": 0.4}
    table, notes = table_of(
        make_record(task="math", value=scores), tasks=[task_card("math", ["math-lm", "math-choice"])]
    )
    assert list(table.columns) == COLUMNS
    table = table[table["kind"] == "score"]
    assert table.set_index("column")["value"].to_dict() == scores
    assert table.set_index("column")["direction"].to_dict() == {"math-lm": "lower", "math-choice": "higher"}
    assert notes == ()


def test_a_failure_has_a_row_in_each_column_and_no_value(scores_of, make_record, task_card):
    failed = make_record(task="math", status="oom", reason="Used 7 GiB of 6.")
    table = scores_of(failed, tasks=[task_card("math", ["math-lm", "math-choice"])])
    assert list(table["column"]) == ["math-lm", "math-choice"]
    assert list(table["status"]) == ["oom", "oom"]
    assert table["value"].isna().all()


def test_a_failure_of_a_task_without_a_card_still_has_a_row(scores_of, make_record):
    table = scores_of(make_record(status="crashed", reason="boom"), tasks=[])
    assert list(table["column"]) == ["recall-mqar"]


def test_scores_of_a_failure_are_never_values(scores_of, make_record):
    record = make_record().model_copy(update={"status": "diverged"})
    assert record.scores
    assert scores_of(record)["value"].isna().all()


def test_a_column_that_a_finished_cell_was_not_scored_on_is_no_row_of_it(results, make_record, task_card):
    cards = [task_card("recall-mqar", ["recall-mqar", "recall-mqar-later"])]
    records = [make_record("mamba"), make_record("mlp", status="crashed", size=None)]
    rows = rows_of(make_table(read_sources([results(*records, tasks=cards)]))[0])
    found = [(row["variant"], row["column"]) for row in rows if row["kind"] == "score"]
    assert sorted(found) == [("mamba", "recall-mqar"), ("mlp", "recall-mqar"), ("mlp", "recall-mqar-later")]


def test_missing_values_are_none(table_of, make_record):
    row = rows_of(table_of(make_record(status="crashed", size=None))[0])[0]
    assert row["value"] is None
    assert row["body_parameters"] is None
    assert row["lift"] is None
    assert row["seed"] == 0


def test_seeds_of_an_older_source_are_not_mixed_with_newer_ones(make_record):
    old = [make_record(seed=seed, parts={"model_source": "old"}, started=f"2026-01-0{seed + 1}") for seed in range(3)]
    new = [make_record(seed=0, parts={"model_source": "new"}, started="2026-02-01")]
    kept, older = newest(old + new)
    assert kept == new
    assert older == 3


def test_older_records_are_counted_in_a_note(table_of, make_record):
    _, notes = table_of(
        make_record(parts={"model_source": "old"}, started="2026-01-01"),
        make_record(parts={"model_source": "new"}, started="2026-02-01"),
    )
    assert notes == ("Older records of the same cells are not shown: 1.",)


def test_rows_that_saw_other_data_are_noted(table_of, make_record):
    other = make_record("mlp")
    other.data.checksum = "another"
    _, notes = table_of(make_record("mamba"), other)
    assert len(notes) == 1
    assert "did not see the same data on recall-mqar (quick, seed 0)" in notes[0]


def test_rows_run_under_other_conditions_are_noted(table_of, make_record):
    _, notes = table_of(make_record("mamba", parts={"torch": "2.6"}), make_record("mlp", parts={"torch": "2.13"}))
    assert notes == ("The rows of recall-mqar (quick) were run under different conditions: torch.",)


@pytest.mark.parametrize(
    ("recipe", "part", "noted"),
    [
        ("common", {"tier": {"name": "quick", "depth": 1, "body_parameters": 100}}, False),
        ("common", {"tier": {"name": "quick", "depth": 2, "body_parameters": 200}}, True),
        ("common", {"budget": {"steps": 2, "batch": 8}}, True),
        ("published", {"budget": {"steps": 2, "batch": 8}}, False),
        ("published", {"task_source": "other"}, True),
    ],
)
def test_what_a_variant_or_its_paper_sets_is_no_other_condition(table_of, make_record, recipe, part, noted):
    usual = {"tier": {"name": "quick", "depth": 2, "body_parameters": 100}, "budget": {"steps": 1, "batch": 8}}
    records = [make_record("mamba", parts=usual), make_record("mlp", parts=usual | part)]
    for record in records:
        record.cell.recipe = recipe
    assert bool(table_of(*records)[1]) == noted


def test_csv_reads_back_as_the_table(table_of, make_record):
    table, _ = table_of(*(make_record(seed=seed, value=0.1 + seed / 7) for seed in range(3)))
    back = list(csv.DictReader(io.StringIO(to_csv(table))))
    assert [float(row["value"]) for row in back] == table["value"].tolist()
    assert [row["key"] for row in back] == table["key"].fillna("").tolist()


def test_json_reads_back_as_the_table(table_of, make_record):
    records = [make_record(seed=seed, value=0.1 + seed / 7) for seed in range(3)]
    table, _ = table_of(*records, make_record("mlp", value=None))
    assert json.loads(to_json(table)) == rows_of(table)


def test_a_normalised_score_is_0_at_chance_and_1_at_the_ceiling(scores_of, make_record):
    values = {"a": 1 / 32, "b": 1.0, "c": (1 + 1 / 32) / 2}
    table = scores_of(*(make_record(name, value=value) for name, value in values.items()))
    assert table.set_index("variant")["normalised"].to_dict() == pytest.approx({"a": 0, "b": 1, "c": 0.5})


def test_without_a_known_ceiling_nothing_is_normalised(scores_of, make_record):
    assert scores_of(make_record(task="lra-listops"))["normalised"].isna().all()


def test_levels_are_rows_of_their_own_kind(table_of, make_record):
    table, _ = table_of(make_record())
    levels = table[table["kind"] == "level"].set_index("variant")
    assert levels["value"].to_dict() == {"any value": 1 / 32, "value from the row": 0.25, "ceiling": 1.0}
    assert set(levels["column"]) == {"recall-mqar"}


def test_published_values_are_rows_of_their_own_kind_where_the_column_is_there(results, make_record):
    here = PublishedResult("Mamba", "recall-mqar", 0.99, "A paper.", "Its protocol.", "A caveat.")
    elsewhere = PublishedResult("Mamba", "lra-image", 0.7, "A paper.", "Its protocol.")
    table, _ = make_table(read_sources([results(make_record())]), [here, elsewhere])
    (row,) = [row for row in rows_of(table) if row["kind"] == "published"]
    assert (row["variant"], row["value"], row["source"], row["caveat"]) == ("Mamba", 0.99, "A paper.", "A caveat.")


def test_a_hostile_name_forges_no_csv_row_and_no_formula(table_of, make_record):
    table, _ = table_of(make_record('x",ok,0.99\nmamba,mamba'), make_record("=HYPERLINK(1)"))
    back = pd.read_csv(io.StringIO(to_csv(table)))
    back = back[back["kind"] == "score"]
    assert len(back) == 2
    assert set(back["variant"]) == {'x",ok,0.99\nmamba,mamba', "'=HYPERLINK(1)"}


def test_page_names_stay_in_their_folder_and_never_clash(make_record):
    records = [make_record(key=key) for key in ("../../../etc/passwd", "a" * 64, "a" * 63 + "b", "", "<script>")]
    names = page_names(records)
    assert len(set(names.values())) == len(records)
    assert all(re.fullmatch(r"runs/[A-Za-z0-9_-][A-Za-z0-9._-]*\.html", name) for name in names.values())
