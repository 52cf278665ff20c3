"""A submission contains everything needed to verify it, and no records of other plugins."""

import hashlib
import zipfile
from unittest.mock import Mock

import pytest
from archarena.harness.check import Finding, check_model, run
from archarena.harness.check.samples import SPECS
from archarena.harness.contract.registry import discover
from archarena.harness.records.store import ResultStore, read_record
from archarena.harness.running.executor import Inline
from archarena.harness.running.submission import pack


@pytest.fixture(autouse=True)
def short_check(monkeypatch):
    """Check models on one kind of task only; the checks have their own tests."""
    specs = {"fields": SPECS["fields to a click"]}
    monkeypatch.setattr(run, "check", lambda entry, data: check_model(entry, specs))


@pytest.fixture
def results(call, plugins, tmp_path):
    """Return a results folder with one cell of a model that passes the checks."""
    plugin, folder = tmp_path / "mine.py", tmp_path / "results"
    call("new", "mine", "--kind", "field", "--output", plugin)
    cell = ["--model", "mine", "--task", "toy", "--tier", "smoke", "--device", "cpu"]
    code, _, err = call("run", *plugins, "--plugin", plugin, *cell, "--inline", "--results", folder)
    assert code == 0, err
    return folder


def test_submit_packs_the_plugin_and_its_records_and_verify_repeats_one(call, plugins, results, tmp_path, monkeypatch):
    plugin, packed = tmp_path / "mine.py", tmp_path / "mine.zip"
    code, out, _ = call("submit", plugin, "--results", results, "--output", packed)
    assert (code, "mine.py and 1 record" in out) == (0, True), out
    names = set(zipfile.ZipFile(packed).namelist())
    (record,) = ResultStore(results).read()
    assert {"plugin/mine.py", record.predictions.file, "cards/models/mine.json", "cards/tasks/toy-smoke.json"} < names
    zipfile.ZipFile(packed).extractall(tmp_path / "sent")
    assert list(ResultStore(tmp_path / "sent").read()) == [record]

    monkeypatch.setattr("archarena.harness.running.executor.Local", lambda jobs: Inline())
    options = ["--results", tmp_path / "sent", *plugins, "--plugin", plugin, "--device", "cpu"]
    code, out, _ = call("verify", "mine/toy", *options)
    assert (code, "mine/toy/smoke/s0 was reproduced." in out) == (0, True), out
    (file,) = ResultStore(tmp_path / "sent").record_files()
    forged = read_record(file)
    forged.scores["toy"].value = 2.0
    ResultStore(tmp_path / "sent").write(forged)
    code, out, _ = call("verify", "mine/toy", *options)
    assert (code, "(differs)" in out) == (1, True), out

    forged.predictions.file = "../mine.py"
    forged.predictions.sha256 = hashlib.sha256(plugin.read_bytes()).hexdigest()
    ResultStore(tmp_path / "sent").write(forged)
    code, _, err = call("submit", plugin, "--results", tmp_path / "sent", "--output", tmp_path / "forged.zip")
    assert (code, "mine.py is missing or does not match its record" in err) == (2, True), err
    assert not (tmp_path / "forged.zip").exists()

    with monkeypatch.context() as patch:
        patch.setattr(zipfile.ZipFile, "write", Mock(side_effect=OSError(28, "No space left on device")))
        code, _, err = call("submit", plugin, "--results", results, "--output", tmp_path / "full.zip")
    assert (code, "Cannot write" in err) == (2, True), err
    assert list(tmp_path.glob("*full.zip*")) == []

    source = plugin.read_text()
    plugin.write_text(source.replace("torch.relu", "torch.tanh"))
    code, _, err = call("submit", plugin, "--results", results, "--output", tmp_path / "stale.zip")
    assert (code, "different version of this plugin" in err) == (2, True)
    plugin.write_text(source)
    monkeypatch.setattr(run, "check", lambda entry, data: [Finding("shapes", "failed", "wrong")])
    code, out, _ = call("submit", plugin, "--results", results, "--output", tmp_path / "broken.zip")
    assert (code, "Nothing written" in out) == (1, True)


MODEL = """
from archarena.harness import SequenceModel, register_model
from archarena.kernels.ema import ema
{imports}


@register_model("mine", summary="Mine.", family="test")
class Mine(SequenceModel):
    pass
"""


@pytest.mark.parametrize(
    ("plugin", "imports", "others"),
    [
        (
            "mine.py",
            "import helper",
            {"helper.py": "from parts import low", "parts/low.py": "", "parts/__init__.py": ""},
        ),
        ("package/mine.py", "from package.layers import x", {"package/__init__.py": "", "package/layers.py": "x = 1"}),
        ("mine.py", "", {}),
    ],
)
def test_the_modules_that_a_plugin_imports_are_packed_in_their_places(tmp_path, plugin, imports, others):
    project, packed = tmp_path / "project", tmp_path / "mine.zip"
    files = {plugin: MODEL.format(imports=imports), **others, "unrelated.py": ""}
    for name, text in files.items():
        (project / name).parent.mkdir(parents=True, exist_ok=True)
        (project / name).write_text(text)
    entry = discover([project / plugin]).find("model", "mine")
    pack([entry], tmp_path / "results", [], packed)
    assert set(zipfile.ZipFile(packed).namelist()) == {f"plugin/{name}" for name in (plugin, *others)}
