"""A seeded sample of odd commands, files and records: each ends with a sentence, none with a traceback."""

import copy
import json
import random
from pathlib import Path

import pytest
from archarena.harness.records.canonical import canonical_hash
from archarena.harness.records.record import (
    AttemptInfo,
    CellInfo,
    Cost,
    CurvePoint,
    DataInfo,
    Record,
    Score,
    SizeInfo,
)
from archarena.harness.records.store import ResultStore
from archarena.harness.running.lock import locked

ODD = [None, True, -1, 0, 2**62, 10**30, 1e99, -1e99, 5e-324, 1e-99, "", "x" * 10**4, "\x1b[31m\u202e", "2030-01-01"]
ODD += [[], {}, [[]], {"a": None}, ["a", 1], {"x\n": {"y": [None]}}]


def make_record(variant: str = "mamba", value: float = 0.9) -> Record:
    """Return a record with every kind of content."""
    parts = {"model": variant, "task": "toy", "device": "cpu: Test", "protocol": 1, "seed": 0}
    curve = [
        CurvePoint(step=step, samples=8 * step, seconds=step / 60, train_loss=1 / step, valid=value)
        for step in (1, 2, 3)
    ]
    return Record(
        key=canonical_hash(parts),
        key_parts=parts,
        cell=CellInfo(variant=variant, model=variant, task="toy", tier="quick", recipe="common", seed=0),
        status="ok",
        scores={"toy": Score(metric="accuracy", direction="higher", value=value, rows=9)},
        learning_rate=0.1,
        attempts=[AttemptInfo(learning_rate=0.1, steps=3, valid=value, curve=curve)],
        size=SizeInfo(
            width=8, depth=2, target_parameters=900, body_parameters=910, total_parameters=999, deviation=0.01
        ),
        cost=Cost(train_seconds=2.5, total_seconds=3.0, step_ms={"p50": 17.0}, peak_rss_bytes=2**28),
        data=DataInfo(identity={"version": 1}, checksum="a", rows={"test": 9}),
        environment={"device": "cpu: Test", "packages": {"torch": "2.13.0"}},
        command="archarena run",
        started="2026-01-02T03:04:05+00:00",
    )


def leaves(value, place=()):
    """Yield the place of every entry of a JSON value."""
    parts = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for name, part in parts:
        yield (*place, name)
        yield from leaves(part, (*place, name))


def change(record, generator):
    """Return a copy of a record's content with one or two odd entries, and with a valid key and checksum."""
    content = copy.deepcopy(record)
    for _ in range(generator.choice((1, 2))):
        *place, last = generator.choice(list(leaves(content)))
        part = content
        for name in place:
            part = part[name]
        part[last] = copy.deepcopy(generator.choice(ODD))
    if "key_parts" in content:
        content["key"] = canonical_hash(content["key_parts"])
    content.pop("checksum", None)
    return content | {"checksum": canonical_hash(content)}


def odd_records(folder: Path, record, count: int, seed: int = 0):
    """Write changed copies of a record into a results folder."""
    store, generator = ResultStore(folder), random.Random(seed)
    path = store.write(record)
    content = json.loads(path.read_text())
    for number in range(count):
        odd = change(content, generator)
        path.with_name(f"{number}.json").write_text(json.dumps(odd))
        yield odd


def is_clean(code, out, err) -> bool:
    """Return whether a command ended without a traceback and printed nothing that a terminal obeys."""
    text = (out + err).replace("\n", "").replace("\t", "")
    return code in (0, 1, 2) and "Traceback" not in text and "\x1b" not in text and "\u202e" not in text


LONG = "x" * 10**7

COMMANDS = [
    ["run", "--model", "mlp", "--set", "mlp.depth=[]"],
    ["run", "--model", "mlp", "--set", "mlp.depth=1e999"],
    ["run", "--model", "mlp", "--set", "mlp.depth=9" + "9" * 5000],
    ["run", "--model", "mlp", "--set", "mlp.depth=100000"],
    ["run", "--model", "mlp", "--set", "mlp.embedding=" + "-" * 10**5 + "1"],
    ["run", "--model", "mlp", "--set", "mlp.dropout=\x1b[31m"],
    ["run", "--model", "mlp", "--set", "mlp.dropout=1j"],
    ["run", "--model", "mlp", "--set", "mlp." + LONG + "=1"],
    ["run", "--model", "mlp", "--set", LONG],
    ["run", "--model", "served", "--set", "served.url=" + "u" * 10**4],
    ["run", "--model", "gla", "--set", "gla.heads=0"],
    ["run", "--model", "mega-chunk", "--set", "mega-chunk.chunk=0"],
    ["run", "--model", "mamba", "--set", "mamba.d_conv=0"],
    ["run", "--model", "mamba", "--set", "mamba.expand=1000000"],
    ["run", "--seeds", "100000000"],
    ["run", "--seed", "9223372036854775808"],
    ["run", "--seed", "9" * 5000],
    ["run", "--model", "\x1b[31m\u202e"],
    ["run", "--model", LONG],
    ["run", "--task", LONG],
    ["run", "--suite", LONG],
    ["run", "--tier", LONG],
    ["run", "--results", LONG, "--dry-run"],
    ["run", "--results", "", "--dry-run"],
    ["run", "--data", "", "--dry-run"],
    ["list", "--plugin", "a\udcff.py"],
    ["list", "--plugin", "a\0.py"],
    ["list", "--plugin", "loop"],
    ["list", "--plugin", "deep.py"],
    ["list", "--plugin", "brackets.py"],
    ["list", "--plugin", "name.py"],
    ["list", LONG],
    ["check", "deep.py"],
    ["check", "x" * 300 + ".py"],
    ["check", "loop/x.py"],
    ["board", "loop"],
    ["board", "\udcff"],
    ["board", ""],
    ["show", "\x1b[31m", "--results", "loop"],
    ["show", LONG],
    ["compare", LONG, "\u202e"],
    ["clean", "--results", ""],
    ["rescore", "--results", ".", "--task", "NOSUCH"],
    ["data", "import", "imdb", "loop"],
    ["submit", "deep.py"],
    ["new", "\u202e"],
    ["new", LONG],
    ["bench", "kernels", "--seconds", "nan"],
    ["bench", "kernels", "--seconds", "inf"],
    ["bench", "step", "--seconds", "0"],
    ["bench", "lengths", "--width", "0"],
    ["bench", "lengths", "--longest", "-1"],
    ["bench", "filters", "--threads", "0"],
]


@pytest.fixture
def odd_files(tmp_path, monkeypatch):
    """Enter a folder with a loop of links, deeply nested sources, and a plugin whose name is not text."""
    monkeypatch.chdir(tmp_path)
    Path("loop").symlink_to("loop")
    Path("deep.py").write_text("x = " + "-" * 5000 + "1")
    Path("brackets.py").write_text("x = " + "(" * 5000)
    Path("name.py").write_text("@register_model(['x'], summary='s')\nclass X: pass\n")


@pytest.mark.parametrize("arguments", COMMANDS, ids=lambda arguments: ascii(" ".join(arguments))[:40])
def test_an_odd_command_is_refused_with_a_sentence(call, odd_files, arguments):
    code, out, err = call(*arguments)
    assert code == 2
    assert is_clean(code, out, err)
    assert 0 < len(err) < 5000


def test_an_odd_record_ends_no_command_in_a_traceback(call, tmp_path):
    store = ResultStore(tmp_path / "results")
    readable = 0
    for odd in odd_records(store.folder, make_record(), 40):
        code, out, err = call("show", str(odd.get("key"))[:12], "--results", store.folder)
        assert is_clean(code, out, err), odd
        readable += code == 0
    assert readable > 5
    store.write(make_record(variant="other"))
    assert is_clean(*call("compare", "mamba", "other", "--results", store.folder))
    assert is_clean(*call("board", store.folder, "--output", tmp_path / "site"))


@pytest.mark.parametrize("values", [(1e99, -1e99), (5e-324, 1e-323), (1e-99, 1e99), (1e99, 1e99)])
def test_charts_of_astronomically_wrong_numbers_are_drawn(call, tmp_path, values):
    store = ResultStore(tmp_path / "results")
    for number, value in enumerate(values):
        store.write(make_record(variant=f"model{number}", value=value))
    assert call("board", store.folder, "--output", tmp_path / "site")[0] == 0


def test_a_number_beyond_every_float32_is_no_record():
    with pytest.raises(ValueError, match="number above 1e"):
        make_record(value=1e101)


@pytest.mark.parametrize("during", ["start", "scoring"])
def test_ctrl_c_gives_one_line_and_exit_code_130(call, plugins, tmp_path, monkeypatch, during):
    def stop(*_, **__):
        raise KeyboardInterrupt

    place = {"start": "contract.registry.scan", "scoring": "running.record_cell.score"}[during]
    monkeypatch.setattr(f"archarena.harness.{place}", stop)
    cell = ["--model", "good", "--task", "toy", "--tier", "smoke", "--device", "cpu", "--inline"]
    code, _, err = call("run", *plugins, *cell, "--results", tmp_path / "results")
    assert code == 130
    assert err.splitlines()[-1].startswith("archarena: Stopped.")
    assert "Traceback" not in err


def test_rescore_waits_for_no_other_run(call, results, plugins):
    with locked(results):
        code, _, err = call("rescore", "--results", results, *plugins)
    assert (code, "Another run is writing" in err) == (2, True)


def test_escape_codes_of_a_plugin_do_not_reach_the_terminal(call, make_model):
    plugin = make_model()
    plugin.write_text(plugin.read_text().replace("A test model.", "A \\x1b[31m\\u202emodel."))
    code, out, err = call("list", "models", "--plugin", plugin)
    assert "A \\u001b[31m\\u202emodel." in out
    assert is_clean(code, out, err)
