"""Commands on a folder of records: compare, rescore and clean, and their errors."""

import json
import zipfile
from pathlib import Path

from archarena.harness.planning.key import key_of
from archarena.harness.records.record import CellInfo, DataInfo, Record
from archarena.harness.records.store import ResultStore, read_record

RECORDS = Path(__file__).parents[3] / "leaderboard" / "records" / "quick-cpu-3-seeds"


def test_show_marks_a_record_without_a_checksum(call, tmp_path):
    cell = CellInfo(variant="mlp", model="mlp", task="toy", tier="smoke", recipe="common", seed=0)
    record = Record(key=key_of({}), key_parts={}, cell=cell, status="skipped", data=DataInfo(identity={}))
    path = ResultStore(tmp_path).write(record)
    assert "cannot be verified" not in call("show", "mlp/toy", "--results", tmp_path)[1]
    content = {name: value for name, value in json.loads(path.read_text()).items() if name != "checksum"}
    path.write_text(json.dumps({**content, "schema": 2}))
    assert "cannot be verified" in call("show", "mlp/toy", "--results", tmp_path)[1]


def test_commands_on_one_folder_of_records(call, results, plugins):
    _compare(call, results)
    _rescore(call, results, plugins)
    _clean(call, results)


def _compare(call, results):
    code, out, _ = call("compare", "good[scale=1.0]", "good[scale=2.0]", "--results", results)
    assert code == 0
    assert out.startswith("toy (smoke, common): good[scale=1.0] ")
    assert out.count("(n=3)") == 2
    assert "not compared at the smoke tier" in out
    older = _outdate(results)
    assert call("compare", "good[scale=1.0]", "good[scale=2.0]", "--results", results)[1] == out
    for path in older:
        path.unlink()
    code, _, err = call("compare", "good[scale=1.0]", "godo", "--results", results)
    assert code == 2
    assert "has no record of 'godo'" in err


def _outdate(results):
    """Add records of an older version of the model, with other scores, and return their paths."""
    store, paths = ResultStore(results), []
    for record in list(store.read()):
        parts = record.key_parts | {"model_source": "old"}
        older = {"key": key_of(parts), "key_parts": parts, "written": 1}
        scores = {name: score.model_copy(update={"value": 0.0}) for name, score in record.scores.items()}
        paths.append(store.write(record.model_copy(update=older | {"scores": scores})))
    return paths


def _rescore(call, results, plugins):
    assert "0 records would change" in call("rescore", "--results", results, *plugins)[1]
    file = ResultStore(results).record_files()[0]
    record = read_record(file)
    true, record.scores["toy"].value = record.scores["toy"].value, 0.123
    ResultStore(results).write(record)
    assert f"toy: 0.123 -> {true}" in call("rescore", "--results", results, *plugins)[1]
    assert json.loads(file.read_text())["scores"]["toy"]["value"] == 0.123
    assert "1 record changed" in call("rescore", "--results", results, *plugins, "--yes")[1]
    assert json.loads(file.read_text())["scores"]["toy"]["value"] == true
    (results / record.predictions.file).write_bytes(b"other")
    out = call("rescore", "--results", results, *plugins)[1]
    assert "skipped good[scale=1.0] on toy s0: " in out
    assert f"{record.predictions.file} is missing or does not match its record." in out


def _clean(call, results):
    stray = results / "predictions" / f"{'ab' * 32}.safetensors"
    stray.write_bytes(b"0" * 100)
    before = len(list(ResultStore(results).read()))
    code, out, _ = call("clean", "--results", results)
    assert code == 0
    assert "prepared arrays" in out
    assert stray.exists()
    call("clean", "--results", results, "--yes")
    assert not stray.exists()
    assert not list((results / "work" / "data").iterdir())
    assert len(list(ResultStore(results).read())) == before
    assert len(list((results / "predictions").iterdir())) == before


def test_doctor_tells_one_line_each(call, tmp_path):
    code, out, _ = call("doctor", "--results", tmp_path, "--data", tmp_path)
    assert code == 0, out
    names = [line.split()[1].rstrip(":") for line in out.splitlines()]
    assert names == ["device", "torch", "compiler", "triton", "registry", "data", "disk"]


def test_doctor_names_the_compiler_that_kernels_use(call, tmp_path, monkeypatch):
    for chosen, shown in (("cc -O1", "compiler: cc -O1"), ("no-such-cc", "compiler: none; kernels fall back")):
        monkeypatch.setenv("CC", chosen)
        assert shown in call("doctor", "--results", tmp_path, "--data", tmp_path)[1]


def test_doctor_fails_where_something_is_missing(call, tmp_path, monkeypatch):
    monkeypatch.setattr("archarena.harness.commands.doctor.free_space", lambda results: (False, "0 GiB free"))
    code, out, _ = call("doctor", "--results", tmp_path, "--data", tmp_path)
    assert code == 1
    assert "missing disk: 0 GiB free" in out


def test_no_file_of_a_results_folder_a_site_or_an_archive_contains_a_path_of_this_machine(call, make_model, toy_task):
    plugin, folder = toy_task.parent / "mine.py", toy_task.parent
    call("new", "mine", "--kind", "field", "--output", plugin)
    bad = make_model("bad", "raise ValueError(__file__)")
    options = [word for file in (toy_task, plugin, bad) for word in ("--plugin", file)]
    cells = ["--model", "mine", "--model", "bad", "--task", "toy", "--tier", "smoke", "--device", "cpu"]
    call("run", *options, *cells, "--inline", "--results", folder / "results")
    call("board", folder / "results", "-o", folder / "site")
    call("submit", plugin, "--results", folder / "results", "-o", folder / "mine.zip")
    assert (folder / "mine.zip").is_file()
    with zipfile.ZipFile(folder / "mine.zip") as archive:
        archive.extractall(folder / "archive")
    written = [folder / name for name in ("results/records", "results/cards", "site", "archive")]
    texts = {file: file.read_bytes() for place in written for file in place.rglob("*") if file.is_file()}
    assert len(texts) > 10
    assert [file for file, text in texts.items() if str(folder).encode() in text] == []


def test_compare_reads_several_folders_and_prints_json(call, results, tmp_path):
    code, out, _ = call("compare", "good[scale=1.0]", "good[scale=2.0]", "--results", results, "--json")
    assert code == 0
    (found,) = json.loads(out)
    assert (found["column"], found["tier"], found["verdict"]) == ("toy", "smoke", "not compared at the smoke tier")
    empty = tmp_path / "empty"
    (empty / "records").mkdir(parents=True)
    code, _, err = call("compare", "good[scale=1.0]", "good[scale=2.0]", "--results", results, "--results", empty)
    assert (code, "There are no records in" in err) == (2, True)
    code, out, _ = call("compare", "mamba", "mlp", "--results", RECORDS, "--results", results, "--json")
    first = json.loads(out)[0]
    assert first["means"]["mamba"]["seeds"] == 3
    assert first["difference"]["half_width"] > 0
    assert first["verdict"]


def test_a_name_that_matches_several_cells_is_not_resolved_silently(call, results, plugins):
    for command in (["show"], ["why", *plugins]):
        code, _, err = call(*command, "good[scale=1.0]/toy", "--results", results)
        assert code == 2
        assert "matches 3 cells: good[scale=1.0]/toy/smoke/s0, good[scale=1.0]/toy/smoke/s1" in err
        assert "Name one, with its tier and seed." in err


def test_a_cell_of_a_plugin_says_which_plugin_to_pass(call, results, plugins):
    code, _, err = call("why", "good[scale=1.0]/toy/smoke/s0", "--results", results)
    assert code == 2
    assert "The model 'good' is a plugin's: add --plugin toy_task.py --plugin good_model.py." in err


def test_rescore_lists_the_known_names_once(call, results):
    for file in (results / "records").rglob("*.json"):
        record = read_record(file)
        record.command = record.command.partition(" --plugin")[0]
        ResultStore(results).write(record)
    code, out, _ = call("rescore", "--results", results)
    assert code == 0
    assert out.count("There is no task 'toy'") == 6
    assert out.count("Known:") == 1
