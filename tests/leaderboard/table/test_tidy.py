import csv
import io
import json
import re

import pytest
from archarena.harness.records.cards import TaskCard
from archarena.leaderboard.read.published_values import PublishedValue
from archarena.leaderboard.read.results import read_results
from archarena.leaderboard.table.records import shown_records
from archarena.leaderboard.table.rows import COLUMNS, to_csv, to_json
from archarena.leaderboard.table.tidy import make_table, page_names, suite_of


@pytest.fixture
def table_of(results):
    def make(*records, **cards):
        found = make_table(read_results([results(*records, **cards)]))
        return found.rows, found.notes

    return make


@pytest.fixture
def scores_of(table_of):
    """Return a function from records to the rows of kind "score"."""

    def make(*records, **cards):
        return [row for row in table_of(*records, **cards)[0] if row["kind"] == "score"]

    return make


def by(rows, name, field="value"):
    return {row[name]: row[field] for row in rows}


def test_one_row_per_cell_and_column(table_of, make_record, task_card):
    scores = {"math-lm": 2.6, "math-choice": 0.4}
    table, notes = table_of(
        make_record(task="math", value=scores), tasks=[task_card("math", ["math-lm", "math-choice"])]
    )
    assert all(tuple(row) == COLUMNS for row in table)
    rows = [row for row in table if row["kind"] == "score"]
    assert by(rows, "column") == scores
    assert by(rows, "column", "direction") == {"math-lm": "lower", "math-choice": "higher"}
    assert notes == ()


def test_the_suite_is_more_than_a_selection():
    card = TaskCard(task="a5", tier="quick", suites=["quick", "recall"])
    assert suite_of(card) == "recall"
    assert suite_of(card.model_copy(update={"suites": ["quick"]})) == "other tasks"


def test_a_failure_has_a_row_in_each_column_and_no_value(scores_of, make_record, task_card):
    failed = make_record(task="math", status="oom", reason="Used 7 GiB of 6.")
    rows = scores_of(failed, tasks=[task_card("math", ["math-lm", "math-choice"])])
    assert [row["column"] for row in rows] == ["math-lm", "math-choice"]
    assert [row["status"] for row in rows] == ["oom", "oom"]
    assert [row["value"] for row in rows] == [None, None]


def test_a_failure_of_a_task_without_a_card_still_has_a_row(scores_of, make_record):
    rows = scores_of(make_record(status="crashed", reason="boom"), tasks=[])
    assert [row["column"] for row in rows] == ["recall-mqar"]


def test_scores_of_a_failure_are_never_values(scores_of, make_record):
    record = make_record().model_copy(update={"status": "diverged"})
    assert record.scores
    assert [row["value"] for row in scores_of(record)] == [None]


def test_a_finished_cell_has_no_row_in_columns_without_its_score(results, make_record, task_card):
    cards = [task_card("recall-mqar", ["recall-mqar", "recall-mqar-later"])]
    records = [make_record("mamba"), make_record("mlp", status="crashed", size=None)]
    rows = make_table(read_results([results(*records, tasks=cards)])).rows
    found = [(row["variant"], row["column"]) for row in rows if row["kind"] == "score"]
    assert sorted(found) == [("mamba", "recall-mqar"), ("mlp", "recall-mqar"), ("mlp", "recall-mqar-later")]


def test_missing_values_are_none(table_of, make_record):
    row = table_of(make_record(status="crashed", size=None))[0][0]
    assert row["value"] is None
    assert row["body_parameters"] is None
    assert row["lift"] is None
    assert row["seed"] == 0


def test_results_of_different_code_are_not_mixed_and_those_with_more_seeds_are_shown(make_record):
    old = [make_record(seed=seed, parts={"model_source": "old"}, started=f"2026-01-0{seed + 1}") for seed in range(3)]
    new = [make_record(seed=seed, parts={"model_source": "new"}, started="2026-02-01") for seed in range(4)]
    assert shown_records(old + new[:2]) == (old, [new[:2]])
    assert shown_records(old + new) == (new, [old])
    failed = [record.model_copy(update={"status": "crashed"}) for record in new[:2]]
    assert shown_records(old + failed + new[2:3])[0] == old


def test_of_as_many_seeds_the_last_written_are_shown_even_if_the_clock_was_behind(make_record):
    first = make_record(parts={"model_source": "old"}, started="2026-02-01", written=1)
    last = make_record(parts={"model_source": "new"}, started="2025-01-01", written=2)
    assert shown_records([last, first]) == ([last], [[first]])


def test_results_of_different_code_are_noted(table_of, make_record):
    _, notes = table_of(
        make_record(parts={"model_source": "old"}, started="2026-01-01"),
        make_record(parts={"model_source": "new"}, started="2026-02-01"),
    )
    (note,) = notes
    assert note.startswith("Cells with results of different code or settings: mamba on recall-mqar (quick).")


def test_each_row_is_compared_with_the_best(table_of, make_record):
    values = {"mamba": (0.9, 0.92), "mlp": (0.1, 0.12)}
    records = [
        make_record(name, seed=seed, value=value) for name, own in values.items() for seed, value in enumerate(own)
    ]
    table, _ = table_of(*records)
    (row,) = [row for row in table if row["kind"] == "comparison"]
    assert (row["variant"], row["reference"], row["verdict"]) == ("mlp", "mamba", "worse")
    assert row["value"] == pytest.approx(-0.8)
    assert 0 < row["half_width"] < 0.2
    assert row["more_seeds"] is None


def test_rows_with_different_data_are_noted(table_of, make_record):
    other = make_record("mlp")
    other.data.checksum = "another"
    _, notes = table_of(make_record("mamba"), other)
    assert len(notes) == 1
    assert "different data on recall-mqar (quick, seed 0): there are 2 checksums" in notes[0]


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
def test_conditions_that_a_variant_or_its_paper_sets_are_not_noted(table_of, make_record, recipe, part, noted):
    usual = {"tier": {"name": "quick", "depth": 2, "body_parameters": 100}, "budget": {"steps": 1, "batch": 8}}
    records = [make_record("mamba", parts=usual), make_record("mlp", parts=usual | part)]
    for record in records:
        record.cell.recipe = recipe
    assert bool(table_of(*records)[1]) == noted


def test_csv_round_trips(table_of, make_record):
    table, _ = table_of(*(make_record(seed=seed, value=0.1 + seed / 7) for seed in range(3)))
    back = list(csv.DictReader(io.StringIO(to_csv(table))))
    assert [float(row["value"]) for row in back] == [row["value"] for row in table]
    assert [row["key"] for row in back] == [row["key"] or "" for row in table]


def test_json_round_trips(table_of, make_record):
    records = [make_record(seed=seed, value=0.1 + seed / 7) for seed in range(3)]
    table, _ = table_of(*records, make_record("mlp", value=None))
    assert json.loads(to_json(table)) == table


def test_a_normalized_score_is_0_at_chance_and_1_at_the_ceiling(scores_of, make_record):
    values = {"a": 1 / 32, "b": 1.0, "c": (1 + 1 / 32) / 2}
    rows = scores_of(*(make_record(name, value=value) for name, value in values.items()))
    assert by(rows, "variant", "normalized") == pytest.approx({"a": 0, "b": 1, "c": 0.5})


def test_without_a_known_ceiling_nothing_is_normalized(scores_of, make_record):
    assert [row["normalized"] for row in scores_of(make_record(task="lra-listops"))] == [None]


def test_reference_scores_are_rows_of_a_separate_kind(table_of, make_record):
    table, _ = table_of(make_record())
    references = [row for row in table if row["kind"] == "reference score"]
    assert by(references, "variant") == {"any value": 1 / 32, "value from the row": 0.25, "ceiling": 1.0}
    assert {row["column"] for row in references} == {"recall-mqar"}


def test_published_values_are_rows_of_a_separate_kind_for_existing_columns(results, make_record):
    here = PublishedValue("Mamba", "recall-mqar", 0.99, "A paper.", "Its protocol.", "A caveat.")
    elsewhere = PublishedValue("Mamba", "lra-image", 0.7, "A paper.", "Its protocol.")
    table = make_table(read_results([results(make_record())]), [here, elsewhere]).rows
    (row,) = [row for row in table if row["kind"] == "published"]
    assert (row["variant"], row["value"], row["citation"], row["caveat"]) == ("Mamba", 0.99, "A paper.", "A caveat.")


def test_a_hostile_name_creates_no_csv_row_and_no_formula(table_of, make_record):
    table, _ = table_of(make_record('x",ok,0.99\nmamba,mamba'), make_record("=HYPERLINK(1)"))
    back = [row for row in csv.DictReader(io.StringIO(to_csv(table))) if row["kind"] == "score"]
    assert len(back) == 2
    assert {row["variant"] for row in back} == {'x",ok,0.99\nmamba,mamba', "'=HYPERLINK(1)"}


def test_page_names_stay_in_their_folder_and_never_clash(make_record):
    records = [make_record(key=key) for key in ("../../../etc/passwd", "a" * 64, "a" * 63 + "b", "", "<script>")]
    names = page_names(records)
    assert len(set(names.values())) == len(records)
    assert all(re.fullmatch(r"runs/[A-Za-z0-9_-][A-Za-z0-9._-]*\.html", name) for name in names.values())
