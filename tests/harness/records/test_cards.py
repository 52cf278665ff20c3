"""Cards, prepared arrays and artifacts: old names load, and changed files are refused."""

import json

import pytest
from archarena.harness.errors import UserError
from archarena.harness.records.cards import ModelCard, TaskCard
from archarena.harness.records.record import Artifact
from archarena.harness.records.store import ResultStore

REFERENCE = {"column": "toy", "name": "majority", "value": 0.5, "kind": "baseline", "summary": ""}


def test_a_card_reads_back_as_written(tmp_path):
    store = ResultStore(tmp_path)
    task = TaskCard(task="toy", tier="smoke", rows={"test": 3}, spec={"causal": False})
    model = ModelCard(name="good", published={})
    store.write_card(task)
    store.write_card(model)
    assert (store.cards(TaskCard), store.cards(ModelCard)) == ([task], [model])
    assert store.card(TaskCard, "toy", "smoke") == task
    assert store.card(TaskCard, "toy", "full") is None
    assert (tmp_path / "cards" / "tasks" / "toy-smoke.json").is_file()


def test_names_of_earlier_versions_load(tmp_path):
    source = {"name": "imdb", "summary": "Reviews.", "licence": "none stated"}
    path = ResultStore(tmp_path).path_of_card(TaskCard, "toy", "smoke")
    path.parent.mkdir(parents=True)
    path.write_text(json.dumps({"task": "toy", "tier": "smoke", "levels": [REFERENCE], "sources": [source]}))
    (card,) = ResultStore(tmp_path).cards(TaskCard)
    assert (card.references("toy")[0].value, card.data_sources[0].license) == (0.5, "none stated")


@pytest.mark.parametrize("content", ["", "[]", '{"task": "toy"}', "[" * 10**5, '{"task": 1, "tier": "smoke"}'])
def test_a_corrupt_card_is_left_out_with_one_line_that_says_what_to_do(tmp_path, capsys, content):
    store = ResultStore(tmp_path)
    kept = TaskCard(task="other", tier="smoke")
    store.write_card(kept)
    store.path_of_card(TaskCard, "toy", "smoke").write_text(content)
    assert store.cards(TaskCard) == [kept]
    assert store.card(TaskCard, "toy", "smoke") is None
    message = capsys.readouterr().err
    assert message.count("\n") == 1
    assert "toy-smoke.json" in message
    assert message.endswith("Delete it; a run of the task writes it again.\n")


def test_an_artifact_that_was_changed_is_refused(tmp_path):
    kept = Artifact.write(tmp_path, "weights", "ab", b"content", {})
    assert (kept.file, kept.read(tmp_path)) == ("weights/ab.safetensors", b"content")
    (tmp_path / kept.file).write_bytes(b"other")
    with pytest.raises(UserError, match=r"ab\.safetensors is missing or does not match its record"):
        kept.read(tmp_path)
