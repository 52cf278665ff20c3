"""Prepared arrays: unscored targets, and checksums."""

import numpy as np
import pytest
from archarena.harness import NextToken, PerPosition, Split, Splits, TaskSpec, Tokens
from archarena.harness.contract.metrics import METRICS
from archarena.harness.data import arrays
from archarena.harness.data.arrays import content_checksum, load_array, load_split, save_split, with_ignored


def splits(targets):
    split = Split({"tokens": np.ones((2, 3), np.uint8)}, np.array(targets, np.uint8))
    return Splits(split, split, {"test": split})


def test_positions_that_a_task_ignores_by_a_mark_of_its_own_are_not_scored():
    spec, marked = with_ignored(TaskSpec(Tokens(5, 3), PerPosition(4, ignore=255)), splits([[255, 1, 2], [3, 255, 0]]))
    assert spec.outputs == PerPosition(4)
    targets = marked.tests["test"].targets
    assert targets.tolist() == [[-100, 1, 2], [3, -100, 0]]
    assert METRICS["position_accuracy"].score(np.array([1, 2, 3, 1]), targets) == 0.75


def test_other_tasks_are_left_as_they_are():
    given = splits([[1, 2, 3], [3, 2, 1]])
    for outputs in (PerPosition(4), NextToken(5)):
        assert with_ignored(TaskSpec(Tokens(5, 3), outputs), given)[1] is given


def test_a_checksum_covers_every_byte_of_every_dtype():
    one, other = splits([[1, 2, 3], [3, 2, 1]]), splits([[1, 2, 3], [3, 2, 2]])
    assert content_checksum(one) == content_checksum(splits([[1, 2, 3], [3, 2, 1]])) != content_checksum(other)
    text = Split({"text": np.array(["a", "bc"])}, np.array(["x", "y"]))
    assert len(content_checksum(Splits(text, text, {}))) == 64


@pytest.fixture
def mapped(tmp_path):
    """Return an array in memory, and the same array mapped from a file."""
    array = np.arange(24, dtype=np.int32).reshape(4, 3, 2)
    np.save(tmp_path / "kept.npy", array)
    return array, load_array(tmp_path / "kept.npy")


def as_splits(array):
    return Splits(Split({"ids": array}, array[:, 0, 0]), Split({"ids": array[:2]}, array[:2, 0, 0]), {})


def test_a_mapped_array_has_the_checksum_of_the_same_array_in_memory(mapped, monkeypatch):
    in_memory, on_disk = map(as_splits, mapped)
    expected = content_checksum(in_memory)
    monkeypatch.setattr(arrays, "BLOCK_BYTES", 10)
    assert content_checksum(on_disk) == content_checksum(in_memory) == expected


def test_a_whole_mapped_file_is_linked_and_a_part_of_one_is_written(mapped, tmp_path):
    _, on_disk = mapped
    save_split(tmp_path / "train", as_splits(on_disk).train)
    save_split(tmp_path / "valid", as_splits(on_disk).valid)
    assert (tmp_path / "train" / "inputs" / "ids.npy").samefile(tmp_path / "kept.npy")
    for name, split in (("train", as_splits(on_disk).train), ("valid", as_splits(on_disk).valid)):
        loaded = load_split(tmp_path / name)
        assert np.array_equal(loaded.inputs["ids"], split.inputs["ids"])
        assert np.array_equal(loaded.targets, split.targets)


def test_an_array_seen_otherwise_than_it_lies_in_its_file_is_written(mapped, tmp_path):
    _, on_disk = mapped
    for name, seen in (("turned", on_disk[::-1]), ("retyped", on_disk.view(np.uint32)), ("flat", on_disk.reshape(-1))):
        save_split(tmp_path / name, Split({"ids": seen}, seen))
        assert np.array_equal(np.load(tmp_path / name / "inputs" / "ids.npy"), np.asarray(seen))
