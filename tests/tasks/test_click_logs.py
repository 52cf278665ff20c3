"""Click tasks on small files in the exact formats of the public logs, with their own checksums."""

import zipfile
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest
from archarena.harness import UserError
from archarena.harness.check.tasks import check_task
from archarena.harness.data.hub import Hub
from archarena.harness.data.prepare import streams
from archarena.tasks import click_files
from archarena.tasks.click_arrays import EMPTY, PARTS, ArrayFile, click_arrays, pack
from archarena.tasks.click_logs import (
    AvazuX1,
    AvazuX4,
    CriteoX1,
    CriteoX4,
    MovieLens,
    at_weekend,
    day_of_week,
    hour_of_day,
    squared_log_bucket,
)
from files import click_logs
from hypothesis import given
from hypothesis import strategies as st

ROWS = {"train": 400, "valid": 60, "test": 80}
LOGS = (AvazuX1, AvazuX4, CriteoX1, CriteoX4, MovieLens)


def write(cls, folder, texts=None):
    """Write the files of a log and return its task class with their checksums."""
    dataset = replace(cls.dataset, **click_logs.LOGS[cls.dataset.name].write(folder, ROWS, texts))
    return type(cls.__name__, (cls,), {"dataset": dataset, "sources": (dataset,)})


@pytest.fixture(autouse=True)
def _own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("ARCHARENA_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(click_files, "BLOCK_BYTES", 20_000)


@pytest.fixture(params=LOGS, ids=lambda cls: cls.__name__)
def log(request, tmp_path):
    return write(request.param, tmp_path / "data"), tmp_path / "data"


def columns(folder, task, part):
    """Return a part's columns as lists of text."""
    lines = [line.split(",") for line in (folder / task.dataset.name / f"{part}.csv").read_text().splitlines()]
    return dict(zip(lines[0], zip(*lines[1:], strict=True), strict=True))


def test_ids_follow_the_counts_of_the_training_rows(log):
    """Compare with ids computed from the text row by row, with dictionaries."""
    cls, folder = log
    task = cls()
    splits = task.splits(folder, streams("clicks", "full", 0))
    texts = {part: columns(folder, task, part) for part in PARTS}
    found = {"train": splits.train, "valid": splits.valid, "test": splits.tests["test"]}
    for index, field in enumerate(task.layout.fields):
        if field.keys is not pack:
            continue
        counts = {}
        for token in texts["train"][field.column]:
            counts[token] = counts.get(token, 0) + 1
        known = sorted((t for t, n in counts.items() if t and n >= task.layout.min_count), key=lambda t: -counts[t])
        assert task.cardinalities[index] == len(known) + 2
        ids = {token: place + 1 for place, token in enumerate(known)}
        for part, split in found.items():
            expected = [ids.get(token, len(known) + 1) for token in texts[part][field.column]]
            assert split.inputs["ids"][:, index, 0].tolist() == expected
    for part, split in found.items():
        assert split.targets.tolist() == [float(label) for label in texts[part][task.layout.label]]
        for index, name in enumerate(task.layout.numeric):
            assert split.inputs["dense"][:, index] == pytest.approx(np.array(texts[part][name], np.float32))


def test_the_small_tiers_keep_common_ids_and_move_training_rows_alone(log):
    cls, folder = log
    task = cls(train=100, valid=20, test=30, vocabulary=3)
    one, other = (task.splits(folder, streams("clicks", "smoke", seed)) for seed in (0, 1))
    assert (len(one.train), len(one.valid), len(one.tests["test"])) == (100, 20, 30)
    assert max(task.spec.inputs.cardinalities) <= 3
    assert all((split.inputs["ids"] < np.array(task.cardinalities)[:, None]).all() for split in (one.train, one.valid))
    assert not np.array_equal(one.train.targets, other.train.targets)
    assert np.array_equal(one.tests["test"].inputs["ids"], other.tests["test"].inputs["ids"])
    assert {(score.evaluation, score.name) for score in task.reference_scores(one)} == {
        (column, "constant") for column in ("", "log-loss", "log-loss-scaled")
    }


def test_every_log_holds_the_contract(log):
    cls, folder = log
    assert [finding for finding in check_task(cls, "smoke", folder) if finding.status == "failed"] == []


def test_files_are_read_once_and_arrays_are_mapped(tmp_path):
    cls = write(MovieLens, tmp_path / "data")
    first = click_arrays(cls.dataset, cls.layout, tmp_path / "data")
    (tmp_path / "data" / "movielens-x1" / "train.csv").unlink()
    again = click_arrays(cls.dataset, cls.layout, tmp_path / "data")
    assert isinstance(again.parts["train"].inputs["ids"], np.memmap)
    assert np.array_equal(first.parts["train"].inputs["ids"], again.parts["train"].inputs["ids"])
    assert len(list((tmp_path / "cache" / "prepared").glob("movielens-x1-*"))) == 1


@pytest.mark.parametrize("file", ["train/inputs/ids.npy", "meta.json"])
def test_cached_arrays_that_changed_are_prepared_again(tmp_path, capsys, file):
    cls = write(MovieLens, tmp_path / "data")
    first = np.array(click_arrays(cls.dataset, cls.layout, tmp_path / "data").parts["train"].inputs["ids"])
    (damaged,) = (tmp_path / "cache" / "prepared").glob(f"*/{file}")
    content = damaged.read_bytes()
    damaged.write_bytes(content[:-8] + bytes(8))
    again = click_arrays(cls.dataset, cls.layout, tmp_path / "data").parts["train"].inputs["ids"]
    assert np.array_equal(again, first)
    assert capsys.readouterr().err.count("changed") == 1


def test_another_file_is_refused(tmp_path):
    cls = write(MovieLens, tmp_path / "data")
    (tmp_path / "data" / "movielens-x1" / "valid.csv").write_text("label,user_id,item_id,tag_id\n1,2,3,4\n")
    with pytest.raises(UserError, match="is not the valid part of the data set 'movielens-x1'"):
        cls().splits(tmp_path / "data", streams("clicks", "full", 0))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("label,user_id,item_id\n1,2,3\n", "tag_id"),
        ("label,user_id,item_id,tag_id\nyes,2,3,4\n", "yes"),
        ("label,user_id,item_id,tag_id\n1,2,3,123456789\n", "more than 8 characters"),
    ],
)
def test_a_broken_file_is_told_and_nothing_is_kept(tmp_path, text, message):
    cls = write(MovieLens, tmp_path / "data", {"train": text})
    with pytest.raises(UserError, match=message):
        cls().splits(tmp_path / "data", streams("clicks", "full", 0))
    assert [path.suffix for path in (tmp_path / "cache" / "prepared").iterdir()] == [".lock"]


def test_the_archive_of_a_repository_brings_the_files(tmp_path):
    cls, original = write(MovieLens, tmp_path / "original"), tmp_path / "original" / "movielens-x1"
    with zipfile.ZipFile(tmp_path / "MovielensLatest_x1.zip", "w") as archive:
        for part in PARTS:
            archive.write(original / f"{part}.csv", f"MovielensLatest_x1/{part}.csv")
    told = []
    dataset = replace(cls.dataset, hub=Hub(str(tmp_path), archive="MovielensLatest_x1.zip"))
    home = dataset.fetch(tmp_path / "data", lambda part, rows: told.append((part, rows)))
    assert (home / "train.csv").read_text() == (original / "train.csv").read_text()
    assert told[-1] == ("test", ROWS["test"] + 1)
    (tmp_path / "MovielensLatest_x1.zip").rename(tmp_path / "moved.zip")
    assert dataset.fetch(tmp_path / "data") == home, "existing files are not fetched again"
    (tmp_path / "moved.zip").rename(tmp_path / "MovielensLatest_x1.zip")
    wrong = replace(dataset, checksums={**dataset.checksums, "valid": "0" * 32})
    with pytest.raises(UserError, match="is not the valid part"):
        wrong.fetch(tmp_path / "elsewhere")
    assert [path.name for path in (tmp_path / "elsewhere" / "movielens-x1").iterdir()] == ["train.csv"]


@given(st.lists(st.text(st.characters(min_codepoint=33, max_codepoint=126), max_size=8), min_size=1))
def test_keys_are_equal_where_tokens_are(tokens):
    keys = pack(pa.array(tokens)).tolist()
    assert len(set(zip(tokens, keys, strict=True))) == len(set(tokens)) == len(set(keys))
    assert all((key == EMPTY) == (token == "") for token, key in zip(tokens, keys, strict=True))


def plain(keys: np.ndarray) -> list[int]:
    return (keys ^ np.uint64(2**63)).view(np.int64).tolist()


def test_counts_fall_into_buckets_of_the_squared_logarithm():
    # CustomizedFeatureProcessor.convert_to_bucket in reczoo/FuxiCTR@0245987:fuxictr/datasets/criteo.py
    counts = pa.array([-3, 1, 2, 3, 10, 100, 65_535], pa.float64())
    assert plain(squared_log_bucket(counts)) == [-3, 1, 2, 1, 5, 21, 122]


def test_zero_and_missing_counts_share_the_unknown_id():
    # na_value: 0 in reczoo/BARS@5b5e61f:ranking/ctr/AFM/AFM_criteo_x4_001/AFM_criteo_x4_tuner_config_01/
    # dataset_config.yaml is the token that Tokenizer.build_vocab leaves out in
    # reczoo/FuxiCTR@0245987:fuxictr/preprocess/tokenizer.py
    assert squared_log_bucket(pa.array([None, 0], pa.float64())).tolist() == [EMPTY, EMPTY]


def test_an_hour_gives_hour_weekday_and_weekend():
    hours = pa.array([14102100, 14102523, 14102607, 24022912], pa.int64())  # Tuesday, Saturday, Sunday, Thursday
    assert plain(hour_of_day(hours)) == [0, 23, 7, 12]
    assert plain(day_of_week(hours)) == [2, 6, 0, 4]
    assert plain(at_weekend(hours)) == [0, 1, 1, 0]


def test_an_array_file_is_filled_block_by_block(tmp_path):
    with ArrayFile(tmp_path / "rows.npy", np.int32, 2, 1) as file:
        for size in (3, 0, 4):
            file.append(np.full((size, 2, 1), size))
    assert np.load(tmp_path / "rows.npy")[:, 1, 0].tolist() == [3, 3, 3, 4, 4, 4, 4]
