"""Small data sets: in every file format, altered, missing, and in the layout of the hub."""

import gzip
import io
import json
import lzma
import tracemalloc
import zipfile

import numpy as np
import pandas as pd
import pytest
from archarena.harness import UserError
from archarena.harness.data import table_files
from archarena.harness.data.data_set import DataSet, hold_out
from archarena.harness.data.hub import HUB_SWITCH, Hub
from archarena.harness.data.table_files import columns_of

ROWS = {
    "train": [{"text": f"row {n}\nsecond line, é", "label": n % 2, "unused": n} for n in range(6)],
    "test": [{"text": f"test {n}", "label": 1, "unused": n} for n in range(4)],
}
COLUMNS = {"text": str, "label": int}


def small_set(**changes) -> DataSet:
    unpinned = DataSet("small", "six rows", "none", COLUMNS, {})
    checksums = {part: unpinned.canonical(pd.DataFrame(rows))[1] for part, rows in ROWS.items()}
    return DataSet(**{"name": "small", "summary": "six rows", "license": "none", "columns": COLUMNS} | changes | {
        "checksums": checksums
    })  # fmt: skip


def lines(rows) -> bytes:
    return "".join(json.dumps(row) + "\n" for row in rows).encode()


PACKINGS = {
    ".jsonl": lambda path, rows: path.write_bytes(lines(rows)),
    ".jsonl.xz": lambda path, rows: path.write_bytes(lzma.compress(lines(rows))),
    ".jsonl.gz": lambda path, rows: path.write_bytes(gzip.compress(lines(rows))),
    ".parquet": lambda path, rows: pd.DataFrame(rows).to_parquet(path),
    ".csv": lambda path, rows: pd.DataFrame(rows).to_csv(path, index=False),
}


def write(folder, suffix=".jsonl", rows=ROWS):
    (folder / "small").mkdir(parents=True, exist_ok=True)
    for part, table in rows.items():
        PACKINGS[suffix](folder / "small" / (part + suffix), table)


@pytest.mark.parametrize("suffix", PACKINGS)
@pytest.mark.parametrize("step", [1, -1], ids=["as it was", "reversed"])
def test_a_repack_is_accepted_and_gives_the_same_rows(tmp_path, suffix, step):
    write(tmp_path, suffix, {part: rows[::step] for part, rows in ROWS.items()})
    table = small_set().read(tmp_path, "train")
    assert table["text"].tolist() == [row["text"] for row in ROWS["train"]]
    assert table["label"].tolist() == [row["label"] for row in ROWS["train"]]


@pytest.mark.parametrize(
    "rows",
    [
        [*ROWS["train"][:-1], {"text": "row 5\nsecond line, e", "label": 1, "unused": 5}],
        ROWS["train"][:-1],
        [*ROWS["train"], ROWS["train"][0]],
    ],
    ids=["one letter", "one row less", "one row twice"],
)
def test_a_change_is_refused_in_one_sentence_that_names_the_file(tmp_path, rows):
    write(tmp_path, rows=ROWS | {"train": rows})
    with pytest.raises(UserError, match=r"train\.jsonl is not the train part of the data set 'small'.*pinned"):
        small_set().read(tmp_path, "train")
    assert len(small_set().read(tmp_path, "test")) == 4


@pytest.mark.parametrize(
    "content", [b"no json", b'{"text": "x"}\n', b'{"text": 1, "label": 1}\n', b'{"text": "x", "label": "one"}\n']
)
def test_a_broken_file_is_told_with_its_path(tmp_path, content):
    write(tmp_path)
    (tmp_path / "small" / "train.jsonl").write_bytes(content)
    with pytest.raises(UserError, match=r"Cannot read .*train\.jsonl of the data set 'small'"):
        small_set().read(tmp_path, "train")


def bomb(suffix, size=2**25) -> bytes:
    if suffix == ".zip":
        packed = io.BytesIO()
        with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("x.csv", bytes(size))
        return packed.getvalue()
    return {".jsonl.xz": lzma.compress, ".jsonl.gz": gzip.compress}[suffix](bytes(size))


@pytest.mark.parametrize("suffix", [".jsonl.xz", ".jsonl.gz", ".zip"])
def test_a_file_that_unpacks_to_very_much_is_refused_before_it_is_in_memory(tmp_path, monkeypatch, suffix):
    monkeypatch.setattr(table_files, "LARGEST", 2**18)
    monkeypatch.setattr(table_files, "BLOCK_BYTES", 2**16)
    path = tmp_path / f"x{suffix}"
    path.write_bytes(bomb(suffix))
    tracemalloc.start()
    with pytest.raises(ValueError, match="its content has more than 262,144 bytes"):
        table_files.read_table(path, COLUMNS)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 2**24


def test_an_absent_set_names_itself_the_place_and_the_way(tmp_path, monkeypatch):
    monkeypatch.delenv(HUB_SWITCH, raising=False)
    data = small_set(hub=Hub("someone/small"))
    assert data.find(tmp_path) is None
    with pytest.raises(UserError) as caught:
        data.read(tmp_path, "train")
    sentence = str(caught.value)
    for part in (
        "'small'",
        str(tmp_path / "small"),
        "train.jsonl.xz",
        "--data DIR",
        f"{HUB_SWITCH}=1",
        "someone/small",
    ):
        assert part in sentence


def test_a_set_is_found_only_when_every_part_is_there(tmp_path):
    write(tmp_path)
    assert small_set().find(tmp_path) == tmp_path / "small"
    (tmp_path / "small" / "test.jsonl").unlink()
    assert small_set().find(tmp_path) is None
    assert "test.jsonl.xz" in small_set().missing(tmp_path)
    assert "train.jsonl.xz" not in small_set().missing(tmp_path)


@pytest.mark.parametrize("change", [{"name": "../up"}, {"folder": "/etc"}, {"files": {"train": ("a/../../b.csv",)}}])
def test_names_are_never_paths(change):
    with pytest.raises(ValueError, match="plain file names"):
        small_set(**change)


@pytest.fixture
def hub(tmp_path):
    """Return a local repository in the layout of the hub, with two configurations."""
    repository = tmp_path / "hub"
    card = "---\nconfigs:\n"
    for name, rows in (("a", slice(3, None)), ("b", slice(3))):
        card += f"- config_name: {name}\n  data_files:\n"
        (repository / name).mkdir(parents=True)
        for part, split in (("train", "train"), ("test", "validation")):
            pd.DataFrame(ROWS[part][rows], columns=list(ROWS["train"][0])).to_parquet(
                repository / name / f"{split}.parquet"
            )
            card += f"  - split: {split}\n    path: {name}/{split}.parquet\n"
    (repository / "README.md").write_text(card + "---\n")
    return Hub(str(repository), ("a", "b"), {"test": "validation"})


def test_the_hub_fills_the_data_folder_where_it_is_allowed(tmp_path, hub, monkeypatch):
    data, folder = small_set(hub=hub), tmp_path / "data"
    with pytest.raises(UserError, match="is missing"):
        data.resolve(folder)
    monkeypatch.setenv(HUB_SWITCH, "1")
    assert data.resolve(folder) == folder / "small"
    assert sorted(path.name for path in (folder / "small").iterdir()) == ["test.parquet", "train.parquet"]
    assert data.read(folder, "train")["label"].tolist() == [0, 1, 0, 1, 0, 1]


def test_what_the_hub_gives_is_checked_before_it_is_kept(tmp_path, hub, monkeypatch):
    monkeypatch.setenv(HUB_SWITCH, "1")
    only_a = Hub(hub.repository, ("a",), hub.parts)
    with pytest.raises(UserError, match=r"The hub's .* is not the train part"):
        small_set(hub=only_a).resolve(tmp_path / "data")
    assert not (tmp_path / "data").exists()


def test_a_hub_out_of_reach_is_one_sentence(tmp_path, monkeypatch):
    monkeypatch.setenv(HUB_SWITCH, "1")
    with pytest.raises(UserError, match=r"Cannot fetch the data set 'small' from the hub .*put its files into"):
        small_set(hub=Hub(str(tmp_path / "nowhere"))).resolve(tmp_path)


def test_rows_held_out_are_fixed_stratified_and_disjoint():
    labels = np.repeat([0, 1, 2], [50, 30, 20])
    kept, held = hold_out(labels, 10, "example")
    assert np.array_equal(np.sort(np.concatenate([kept, held])), np.arange(100))
    assert np.bincount(labels[held]).tolist() == [4, 3, 3]
    assert np.array_equal(held, hold_out(labels, 10, "example")[1])
    assert not np.array_equal(held, hold_out(labels, 10, "another")[1])


def test_a_set_without_a_known_checksum_is_pinned_by_its_rows(tmp_path):
    write(tmp_path)
    data = DataSet("small", "six rows", "none", COLUMNS, counts={"train": 6, "test": 5})
    assert data.read(tmp_path, "train")["text"].tolist() == [row["text"] for row in ROWS["train"]]
    with pytest.raises(UserError, match=r"test\.jsonl is not the test part .* it has 4 rows, but 5 are pinned"):
        data.read(tmp_path, "test")
    assert data.identity() == {"checksums": {}, "counts": {"train": 6, "test": 5}}


def test_an_import_checks_a_folder_and_copies_it(tmp_path):
    write(tmp_path / "mine")
    data = small_set()
    assert data.adopt(tmp_path / "mine" / "small", tmp_path / "data") == tmp_path / "data" / "small"
    assert len(data.read(tmp_path / "data", "train")) == 6


def test_an_import_of_something_else_leaves_nothing_behind(tmp_path):
    write(tmp_path / "mine", rows=ROWS | {"test": ROWS["test"][:-1]})
    with pytest.raises(UserError, match="is not the test part"):
        small_set().adopt(tmp_path / "mine" / "small", tmp_path / "data")
    with pytest.raises(UserError, match=r"is not the complete data set 'small': expected train"):
        small_set().adopt(tmp_path, tmp_path / "data")
    assert not (tmp_path / "data").exists()


def test_fetching_tells_how_far_it_is(tmp_path, hub):
    seen = []
    small_set(hub=hub).fetch(tmp_path / "data", lambda part, rows: seen.append((part, rows)))
    assert [rows for part, rows in seen if part == "train"] == [1, 2, 3, 4, 5, 6]
    with pytest.raises(UserError, match="is not on the hub"):
        small_set().fetch(tmp_path)


def test_the_columns_of_a_file_have_the_narrowest_type(tmp_path):
    path = tmp_path / "train.csv"
    path.write_text("color,age,height,late\nred,3,1.5,0\nblue,4,2,1\n")
    assert columns_of(path) == {"color": str, "age": int, "height": float, "late": int}
    table = DataSet("own", "two rows", "none", columns_of(path), counts={"train": 2}).table(path, "train")
    assert table["height"].tolist() == [1.5, 2.0]
