"""Near-equals: which runs count, and which predictions are read."""

import hashlib

import numpy as np
import pytest
from archarena.harness.records.record.record import PredictionFile
from archarena.leaderboard.near_equals import near_equals
from archarena.leaderboard.sources import Sources, TaskCard
from safetensors.numpy import save

CARD = TaskCard(task="digits", tier="quick", spec={"outputs": {"kind": "Classes", "n": 2}})


@pytest.fixture
def runs(make_record, tmp_path):
    """Return a function that makes runs with predictions, and the sources that hold them."""

    def make(*decisions, values, **changes):
        records = []
        for number, (decided, value) in enumerate(zip(decisions, values, strict=True)):
            content = save({"test.outputs": np.eye(2, dtype=np.float32)[decided]})
            file = f"predictions/{number}.safetensors"
            (tmp_path / "predictions").mkdir(exist_ok=True)
            (tmp_path / file).write_bytes(content)
            kept = {"file": file, "sha256": hashlib.sha256(content).hexdigest(), "rows": {}} | changes
            records.append(make_record(f"m{number}", "digits", value=value, predictions=PredictionFile(**kept)))
        return records, Sources(tuple(records), folders={record.key: tmp_path for record in records})

    return make


def test_only_runs_near_the_best_count(runs):
    records, sources = runs([1, 0, 1, 0], [1, 0, 1, 1], [0, 0, 0, 1], values=(0.9, 0.885, 0.5))
    found = near_equals(records, "digits", CARD, sources)
    assert [step.runs for step in found.steps] == [1, 2, 2]
    assert found.steps[1].variants == ("m0", "m1")
    assert found.steps[1].ambiguity == 0.25
    assert found.pairs["m0", "m2"] == 0.75


@pytest.mark.parametrize(
    "changes",
    [{"sha256": "0" * 64}, {"file": "../secret"}, {"file": "predictions/none.safetensors"}],
    ids=["changed", "outside the folder", "missing"],
)
def test_predictions_that_are_not_what_the_record_names_are_not_read(runs, changes, tmp_path):
    (tmp_path.parent / "secret").write_bytes(b"")
    records, sources = runs([1, 0], [0, 1], values=(0.9, 0.9), **changes)
    assert near_equals(records, "digits", CARD, sources) is None


def test_tasks_that_are_no_classification_have_none(runs):
    records, sources = runs([1, 0], [0, 1], values=(0.9, 0.9))
    card = TaskCard(task="digits", tier="quick", spec={"outputs": {"kind": "NextToken"}})
    assert near_equals(records, "digits", card, sources) is None
