"""Verifying a record: what cannot be verified is refused, and the tolerance is the metric's own noise."""

import pytest
from archarena.harness.commands.verify import _noise
from archarena.harness.planning.key import key_of
from archarena.harness.records.record import Score
from archarena.harness.records.store import ResultStore
from archarena.harness.running.executor import Inline


@pytest.fixture(autouse=True)
def inline(monkeypatch):
    """Run trials in this process."""
    monkeypatch.setattr("archarena.harness.running.executor.Local", lambda jobs: Inline())


@pytest.fixture
def results(call, plugins, tmp_path):
    """Return a results folder with one cell of model ``good`` on the toy task."""
    folder = tmp_path / "results"
    cell = ["--model", "good", "--task", "toy", "--tier", "smoke", "--device", "cpu"]
    code, _, err = call("run", *plugins, *cell, "--inline", "--results", folder)
    assert code == 0, err
    return folder


@pytest.fixture
def verify(call, plugins, results, tmp_path):
    """Return a function that changes the record, writes it with its checksum, and verifies it."""
    (record,) = ResultStore(results).read()
    whole = record.model_dump(by_alias=True)

    def verify(change, *options, cell="good/toy"):
        content = record.model_validate(whole).model_dump(by_alias=True)
        change(content)
        content["key"] = key_of(content["key_parts"])
        ResultStore(results).path_of(record).unlink(missing_ok=True)
        ResultStore(results).write(record.model_validate(content))
        return call("verify", cell, "--results", results, *plugins, "--device", "cpu", *options)

    return verify


def add(value):
    return lambda record: record["scores"]["toy"].update(value=record["scores"]["toy"]["value"] + value)


def test_only_an_equal_score_holds_on_the_same_machine(verify):
    code, out, _ = verify(lambda record: None)
    assert (code, "good/toy/smoke/s0 was reproduced." in out) == (0, True), out
    code, out, _ = verify(add(0.002))
    assert (code, "(differs)" in out) == (1, True), out
    assert verify(add(0.002), "--tolerance", 0.01)[0] == 0


@pytest.mark.parametrize(
    ("field", "value", "difference", "code"),
    [
        ("device", "cpu: Another", 0.002, 0),
        ("device", "cpu: Another", 0.3, 1),
        ("model_source", "0" * 64, 0.002, 1),
    ],
)
def test_another_machine_may_differ_by_a_standard_error_and_another_model_may_not(
    verify, field, value, difference, code
):
    def change(record):
        add(difference)(record)
        record["key_parts"][field] = value

    found, out, _ = verify(change)
    assert found == code, out
    assert f"differs from the record: {field}" in out


def test_a_tiny_score_has_a_tiny_tolerance():
    old, new = (Score(metric="rmse", direction="lower", value=4e-4, standard_error=1e-5, rows=100) for _ in "12")
    assert _noise(old, new, exact=True) == pytest.approx(4e-10)
    assert _noise(old, new, exact=False) == 1e-5


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"scores": {}}, "has no scores to verify. It has status ok"),
        ({"status": "crashed", "reason": "ValueError: no"}, "has status crashed: ValueError: no"),
        ({"status": "skipped", "scores": {}, "reason": "Not supported."}, "has status skipped: Not supported."),
        ({"recipe": "commun"}, "There is no recipe 'commun'. Did you mean 'common'?"),
        ({"recipe": "published"}, "no longer has its recipe"),
        ({"variant": "better"}, "its model and hyperparameters are those of good/toy/smoke/s0"),
    ],
)
def test_what_cannot_be_verified_is_refused(verify, change, says):
    def apply(record):
        for name, value in change.items():
            (record["cell"] if name in record["cell"] else record)[name] = value

    code, out, err = verify(apply, cell=f"{change.get('variant', 'good')}/toy")
    assert (code, says in err) == (2, True), err
    assert "reproduced" not in out


def test_a_name_of_several_cells_is_refused(verify, results):
    (record,) = ResultStore(results).read()
    parts, cell = record.key_parts | {"seed": 1}, record.cell.model_copy(update={"seed": 1})
    ResultStore(results).write(record.model_copy(update={"key": key_of(parts), "key_parts": parts, "cell": cell}))
    code, _, err = verify(lambda record: None)
    says = "'good/toy' matches 2 cells: good/toy/smoke/s0, good/toy/smoke/s1. Name one"
    assert (code, says in err) == (2, True), err
