"""Multiplicity on a task: which runs count, and which predictions are loaded."""

import hashlib

import numpy as np
import pytest
from archarena.harness.records.cards import TaskCard
from archarena.harness.records.record import Artifact
from archarena.leaderboard.read.results import Results
from archarena.leaderboard.table.multiplicity import task_multiplicity
from safetensors.numpy import save

CARD = TaskCard(task="digits", tier="quick", spec={"outputs": {"kind": "Classes", "n": 2}})


@pytest.fixture
def runs(make_record, tmp_path):
    """Return a function that creates runs with predictions, and their results."""

    def make(*decisions, values, **changes):
        records = []
        for number, (decided, value) in enumerate(zip(decisions, values, strict=True)):
            content = save({"test.outputs": np.eye(2, dtype=np.float32)[decided]})
            file = f"predictions/{number}.safetensors"
            (tmp_path / "predictions").mkdir(exist_ok=True)
            (tmp_path / file).write_bytes(content)
            kept = {"file": file, "sha256": hashlib.sha256(content).hexdigest(), "rows": {}} | changes
            records.append(make_record(f"m{number}", "digits", value=value, predictions=Artifact(**kept)))
        return records, Results(tuple(records), folders={record.key: tmp_path for record in records})

    return make


def test_only_runs_near_the_best_count(runs):
    records, results = runs([1, 0, 1, 0], [1, 0, 1, 1], [0, 0, 0, 1], values=(0.9, 0.885, 0.5))
    found = task_multiplicity(records, "digits", CARD, results)
    assert [step.runs for step in found.steps] == [1, 2, 2]
    assert found.steps[1].variants == ("m0", "m1")
    assert found.steps[1].ambiguity == 0.25
    assert found.pairs["m0", "m2"] == 0.75
    assert found.disputed == (0, 2, 3), "all runs agree on row 1"


@pytest.mark.parametrize(
    "changes",
    [{"sha256": "0" * 64}, {"file": "../secret"}, {"file": "predictions/none.safetensors"}],
    ids=["changed", "outside the folder", "missing"],
)
def test_predictions_that_do_not_match_the_record_are_ignored(runs, changes, tmp_path):
    (tmp_path.parent / "secret").write_bytes(b"")
    records, results = runs([1, 0], [0, 1], values=(0.9, 0.9), **changes)
    assert task_multiplicity(records, "digits", CARD, results) is None


def test_other_tasks_than_classification_have_none(runs):
    records, results = runs([1, 0], [0, 1], values=(0.9, 0.9))
    card = TaskCard(task="digits", tier="quick", spec={"outputs": {"kind": "NextToken"}})
    assert task_multiplicity(records, "digits", card, results) is None
