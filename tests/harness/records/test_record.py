"""Records are written atomically, have a version, and are refused with one sentence if they are wrong."""

import json

import pytest
from archarena.harness.errors import UserError
from archarena.harness.records.hashes import canonical_hash
from archarena.harness.records.record import SCHEMA, CellInfo, DataInfo, Record
from archarena.harness.records.store import MIGRATIONS, CorruptRecordError, ResultStore, read_record

PARTS = {"model": "mamba", "seed": 0}
KEY = canonical_hash(PARTS)


def record(**changes) -> Record:
    cell = CellInfo(variant="mamba[d_state=8]", model="mamba", task="toy", tier="smoke", recipe="common", seed=0)
    return Record(
        **{"key": KEY, "key_parts": PARTS, "cell": cell, "status": "ok", "data": DataInfo(identity={})} | changes
    )


def rewrite(path, change) -> None:
    """Write a record as schema 2 did, without order and checksum, changed by `change`."""
    content = json.loads(path.read_text())
    old = {name: value for name, value in content.items() if name not in ("written", "checksum")} | {"schema": 2}
    path.write_text(json.dumps(change(old)))


def test_a_record_reads_back_as_written(tmp_path):
    store = ResultStore(tmp_path)
    written = record(learning_rate=0.003)
    path = store.write(written)
    assert path == tmp_path / "records" / "toy" / f"mamba_d_state_8-s0-{KEY[:12]}.json"
    assert list(store.read()) == [written]
    assert written.learning_rate == 0.003


def test_a_record_with_any_flipped_bit_is_refused(tmp_path):
    path = ResultStore(tmp_path).write(record(learning_rate=0.003, reason="A reason.", scores={}))
    content = path.read_bytes()
    whole = read_record(path)
    for bit in range(0, 8 * len(content), 3):
        path.write_bytes(content[: bit // 8] + bytes([content[bit // 8] ^ 1 << bit % 8]) + content[bit // 8 + 1 :])
        try:
            assert read_record(path) == whole, f"bit {bit} made another record"
        except UserError:
            continue


def test_a_record_whose_key_is_not_that_of_its_parts_is_refused(tmp_path):
    path = ResultStore(tmp_path).write(record(key="ab" * 32))
    with pytest.raises(CorruptRecordError, match=r"The key of .*\.json is not that of its cell"):
        read_record(path)


def test_a_record_of_an_earlier_version_loads_without_a_checksum(tmp_path):
    path = ResultStore(tmp_path).write(record(started="2026-01-02T00:00:00+00:00"))
    rewrite(path, dict)
    old = read_record(path)
    assert (old.checksum, old.order[0]) == (None, 1767312000000)
    rewrite(path, lambda data: data | {"key_parts": {"model": "mamba", "seed": 1}})
    with pytest.raises(CorruptRecordError, match="key"):
        read_record(path)


def test_a_later_record_is_newer_although_the_clock_was_set_back(tmp_path, monkeypatch):
    first = record(status="crashed", started="2026-02-01T00:00:00+00:00")
    ResultStore(tmp_path).write(first)
    monkeypatch.setattr("time.time_ns", lambda: 10**18)  # 2001
    parts = PARTS | {"seed": 1}
    second = record(key=canonical_hash(parts), key_parts=parts, started="2001-09-09T00:00:00+00:00")
    ResultStore(tmp_path).write(second)
    assert max(ResultStore(tmp_path).read(), key=lambda one: one.order) == second


def test_a_record_of_a_newer_schema_is_refused(tmp_path):
    path = ResultStore(tmp_path).write(record())
    content = json.loads(path.read_text()) | {"schema": SCHEMA + 1}
    del content["checksum"]
    path.write_text(json.dumps(content | {"checksum": canonical_hash(content)}))
    with pytest.raises(UserError, match=f"has schema {SCHEMA + 1}, but this archarena reads schemas up to {SCHEMA}"):
        read_record(path)


def test_an_older_record_is_migrated_step_by_step(tmp_path, monkeypatch):
    path = ResultStore(tmp_path).write(record(written=5))
    rewrite(path, lambda data: {("state" if name == "status" else name): value for name, value in data.items()})
    monkeypatch.setitem(
        MIGRATIONS, SCHEMA - 1, lambda data: {**data, "schema": SCHEMA, "status": data["state"]} | {"state": None}
    )
    with pytest.raises(UserError, match="not a valid record: state"):
        read_record(path)
    monkeypatch.setitem(
        MIGRATIONS,
        SCHEMA - 1,
        lambda data: {key: value for key, value in data.items() if key != "state"} | {"schema": SCHEMA, "status": "ok"},
    )
    assert read_record(path) == record()


def test_a_record_of_schema_1_loads_with_its_renamed_fields(tmp_path):
    size = {"width": 8, "depth": 2, "body_parameters": 990, "total_parameters": 2000, "deviation": -0.01}
    path = ResultStore(tmp_path).write(record())

    def as_schema_1(content):
        old = {name: value for name, value in content.items() if name not in ("attempts", "multiplicity")}
        old |= {"schema": 1, "learning_rate": 0.1, "size": {**size, "budget": 1000}}
        old |= {"tries": [{"learning_rate": rate, "steps": 5, "valid": None} for rate in (0.1, 0.3)]}
        return old | {"near_equals": {"reason": "Not measured."}}

    rewrite(path, as_schema_1)
    read = read_record(path)
    assert [attempt.learning_rate for attempt in read.attempts] == [0.1, 0.3]
    assert read.chosen == read.attempts[0]
    assert read.multiplicity.reason == "Not measured."
    assert read.size.target_parameters == 1000


@pytest.mark.parametrize(
    "content", ["", "{", "[]", '{"schema": 1}', '{"schema": "1"}', '{"schema": true}', '{"schema": 0}', "[" * 10**5]
)
def test_a_corrupt_file_is_one_sentence_that_names_it(tmp_path, content):
    path = tmp_path / "records" / "toy" / "x.json"
    path.parent.mkdir(parents=True)
    path.write_text(content)
    with pytest.raises(CorruptRecordError, match=r"x\.json") as error:
        read_record(path)
    assert "\n" not in str(error.value)


def nested(levels: int) -> str:
    return '{"schema": 2, "key_parts": ' + "[" * levels + "]" * levels + "}"


CORRUPT = {
    "empty": "",
    "cut short": "{",
    "not a record": '{"schema": 2}',
    "nested": nested(300),
    "nested very deeply": nested(10_000),
    "a long number": '{"schema": ' + "9" * 5000 + "}",
}


@pytest.mark.parametrize("content", CORRUPT.values(), ids=CORRUPT)
def test_a_corrupt_record_is_left_out_with_one_line(tmp_path, capsys, content):
    store, kept = ResultStore(tmp_path), record()
    path = store.write(kept).with_name("x.json")
    path.write_text(content)
    assert list(store.read()) == [kept]
    message = capsys.readouterr().err
    assert message.count("\n") == 1
    assert message.endswith("The next run moves it to set-aside/ and runs its cell again.\n")
    assert store.unreadable() == [path]


@pytest.mark.parametrize("changes", [{"seed": 2**63}, {"seed": -1}, {"task": "t" * 10**7}, {"variant": "v" * 10**7}])
def test_a_record_with_an_absurd_cell_is_left_out(tmp_path, capsys, changes):
    store = ResultStore(tmp_path)
    path = store.write(record())
    content = json.loads(path.read_text())
    del content["checksum"]
    content["cell"] |= changes
    path.write_text(json.dumps(content | {"checksum": canonical_hash(content)}))
    assert list(store.read()) == []
    assert len(capsys.readouterr().err) < 1000


def test_setting_records_aside_loses_none(tmp_path):
    store = ResultStore(tmp_path)
    path = store.write(record())
    path.write_text("first")
    (note,) = store.set_aside()
    assert path.name in note
    path.write_text("second")
    store.set_aside()
    kept = record()
    store.write(kept)
    assert store.set_aside() == []
    assert list(store.read()) == [kept]
    assert {file.read_text() for file in store.unreadable()} == {"first", "second"}


def test_a_record_of_a_newer_version_is_not_set_aside(tmp_path):
    store = ResultStore(tmp_path)
    path = store.write(record())
    content = json.loads(path.read_text()) | {"schema": SCHEMA + 1}
    path.write_text(json.dumps(content))
    with pytest.raises(CorruptRecordError, match="checksum"):
        read_record(path)
    del content["checksum"]
    path.write_text(json.dumps(content | {"checksum": canonical_hash(content)}))
    with pytest.raises(UserError, match="update archarena"):
        store.set_aside()
    assert path.exists()
    assert store.unreadable() == [path]


def test_a_record_of_a_newer_version_is_left_out_with_one_line(tmp_path, capsys):
    store = ResultStore(tmp_path)
    parts = {"cell": 2}
    kept = record(key=canonical_hash(parts), key_parts=parts)
    newer, _ = store.write(record()), store.write(kept)
    content = json.loads(newer.read_text()) | {"schema": SCHEMA + 1, "a new field": 1}
    del content["checksum"]
    newer.write_text(json.dumps(content | {"checksum": canonical_hash(content)}))
    assert list(store.read()) == [kept]
    assert list(store.read()) == [kept]
    message = capsys.readouterr().err
    assert message.count("\n") == 1
    assert "update archarena" in message


def test_a_key_cannot_lead_out_of_the_folder(tmp_path):
    store = ResultStore(tmp_path)
    path = store.path_of(record(key="/../../../x"))
    assert path.resolve().is_relative_to(tmp_path.resolve() / "records")


def test_not_a_number_cannot_be_written():
    with pytest.raises(ValueError, match="finite"):
        record(learning_rate=float("nan"))


def test_an_unknown_field_is_refused():
    with pytest.raises(ValueError, match="extra"):
        record(score=1.0)
