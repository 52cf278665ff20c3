import json

import pytest
from archarena.harness.errors import UserError
from archarena.harness.files import write_json
from archarena.leaderboard.sources import RecipeCard, merge_records, read_sources


def test_folders_are_merged(results, make_record):
    one = results(make_record("mamba"), name="one")
    two = results(make_record("mlp"), name="two")
    assert {record.cell.variant for record in read_sources([one, two]).records} == {"mamba", "mlp"}


def test_the_same_record_in_two_folders_counts_once(results, make_record):
    record = make_record("mamba")
    sources = read_sources([results(record, name="one"), results(record, name="two")])
    assert sources.records == (record,)
    assert sources.notes == ()


def test_a_conflict_is_said_and_the_newer_result_kept(make_record):
    old = make_record(value=0.1, started="2026-01-01T00:00:00+00:00")
    new = make_record(value=0.2, started="2026-02-01T00:00:00+00:00")
    for order in ([old, new], [new, old]):
        kept, notes = merge_records(order)
        assert kept == [new]
        assert len(notes) == 1
        assert "mamba on recall-mqar (quick, seed 0)" in notes[0]
        assert "2026-02-01" in notes[0]


def test_a_result_is_kept_before_a_later_failure(make_record):
    result = make_record(started="2026-01-01T00:00:00+00:00")
    failure = make_record(status="crashed", reason="boom", started="2026-02-01T00:00:00+00:00")
    assert merge_records([result, failure])[0] == [result]


def test_cards_that_differ_are_said(results, make_record, task_card):
    one = results(make_record(), name="one")
    two = results(make_record("mlp"), name="two", tasks=[task_card("recall-mqar", ["recall-mqar"], reduced=False)])
    sources = read_sources([one, two])
    assert sources.tasks["recall-mqar", "quick"].reduced is True
    assert any("recall-mqar at tier quick differently" in note for note in sources.notes)


def test_a_difference_is_said_once_however_many_folders_have_it(results, make_record, task_card):
    cards = [task_card("recall-mqar", ["recall-mqar"], summary=str(i)) for i in range(3)]
    sources = read_sources([results(make_record(), name=str(i), tasks=[card]) for i, card in enumerate(cards)])
    assert len([note for note in sources.notes if "differently" in note]) == 1


def test_a_published_recipe_is_told_in_words():
    recipe = {"name": "published", "learning_rates": [0.001, 0.01], "weight_decay": 0.1}
    card = RecipeCard(source="A paper, table 8.", width=64, depth=2, epochs=60, batch=128, recipe=recipe)
    assert card.line == (
        "width 64, depth 2; 60 epochs of 128 rows; learning rates 0.001, 0.01, weight decay 0.1. A paper, table 8."
    )


def test_missing_cards_are_no_error(results, make_record):
    sources = read_sources([results(make_record(), tasks=[])])
    assert sources.task(sources.records[0]).evaluations == []
    assert sources.model("mamba").family == ""


def test_a_folder_without_records_is_told(tmp_path):
    with pytest.raises(UserError, match=r"There are no records in .*archarena run"):
        read_sources([tmp_path / "nothing"])


def test_reports_of_benchmarks_may_lie_in_a_folder_of_their_own(results, make_record, tmp_path):
    write_json(tmp_path / "speed" / "bench" / "bench-lengths-x.json", {"schema": 1, "bench": "lengths"})
    sources = read_sources([results(make_record()), tmp_path / "speed"])
    assert (len(sources.records), [bench.what for bench in sources.benches]) == (1, ["lengths"])
    with pytest.raises(UserError, match="Only reports of `archarena bench` were found"):
        read_sources([tmp_path / "speed"])


def test_a_broken_card_is_told(results, make_record):
    folder = results(make_record())
    (folder / "cards" / "tasks" / "recall-mqar-quick.json").write_text(json.dumps({"task": "recall-mqar"}))
    with pytest.raises(UserError, match=r"card in .* is not valid: tier"):
        read_sources([folder])


def test_the_suite_is_more_than_a_selection(results, make_record, task_card):
    cards = [task_card("digits", ["digits"], suites=["quick"]), task_card("a5", ["a5"], suites=["quick", "recall"])]
    sources = read_sources([results(make_record(task="digits"), make_record(task="a5"), tasks=cards)])
    assert sources.tasks["digits", "quick"].suite == "other tasks"
    assert sources.tasks["a5", "quick"].suite == "recall"
