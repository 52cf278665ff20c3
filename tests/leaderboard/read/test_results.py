import json

import pytest
from archarena.harness.errors import UserError
from archarena.harness.files import write_json
from archarena.harness.records.cards import RecipeCard
from archarena.leaderboard.pages.files import recipe_line
from archarena.leaderboard.read.results import merge_records, read_results


def test_folders_are_merged(results, make_record):
    one = results(make_record("mamba"), name="one")
    two = results(make_record("mlp"), name="two")
    assert {record.cell.variant for record in read_results([one, two]).records} == {"mamba", "mlp"}


def test_the_same_record_in_two_folders_counts_once(results, make_record):
    record = make_record("mamba")
    found = read_results([results(record, name="one"), results(record, name="two")])
    assert found.records == (record,)
    assert found.notes == ()


def test_a_conflict_is_noted_and_the_newer_result_kept(make_record):
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


def test_different_cards_are_noted(results, make_record, task_card):
    one = results(make_record(), name="one")
    two = results(make_record("mlp"), name="two", tasks=[task_card("recall-mqar", ["recall-mqar"], reduced=False)])
    found = read_results([one, two])
    assert found.tasks["recall-mqar", "quick"].reduced is True
    assert any("recall-mqar at tier quick differently" in note for note in found.notes)


def test_a_difference_is_noted_once(results, make_record, task_card):
    cards = [task_card("recall-mqar", ["recall-mqar"], summary=str(i)) for i in range(3)]
    found = read_results([results(make_record(), name=str(i), tasks=[card]) for i, card in enumerate(cards)])
    assert len([note for note in found.notes if "differently" in note]) == 1


def test_a_published_recipe_is_told_in_words():
    recipe = {"name": "published", "learning_rates": [0.001, 0.01], "weight_decay": 0.1}
    card = RecipeCard(citation="A paper, table 8.", width=64, depth=2, epochs=60, batch=128, recipe=recipe)
    assert recipe_line(card) == (
        "width 64, depth 2; 60 epochs, 128 rows per batch; learning rates 0.001, 0.01, "
        "weight decay 0.1. A paper, table 8."
    )


def test_missing_cards_are_no_error(results, make_record):
    found = read_results([results(make_record(), tasks=[])])
    assert found.task(found.records[0]).evaluations == []
    assert found.model("mamba").family == ""


def test_a_folder_without_records_is_an_error(tmp_path):
    with pytest.raises(UserError, match=r"There are no records in .*archarena run"):
        read_results([tmp_path / "nothing"])


def test_bench_reports_may_be_in_a_separate_folder(results, make_record, tmp_path):
    write_json(tmp_path / "speed" / "bench" / "bench-lengths-x.json", {"schema": 1, "bench": "lengths"})
    found = read_results([results(make_record()), tmp_path / "speed"])
    assert (len(found.records), [report.bench for report in found.bench_reports]) == (1, ["lengths"])
    with pytest.raises(UserError, match="Only reports of `archarena bench` were found"):
        read_results([tmp_path / "speed"])


def test_a_broken_card_is_left_out_with_one_line(results, make_record, capsys):
    folder = results(make_record())
    (folder / "cards" / "tasks" / "recall-mqar-quick.json").write_text(json.dumps({"task": "recall-mqar"}))
    assert len(read_results([folder]).records) == 1
    assert "recall-mqar-quick.json is not a valid card: tier" in capsys.readouterr().err.replace("\n", " ")
