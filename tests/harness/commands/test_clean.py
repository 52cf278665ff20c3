"""``archarena clean`` deletes only what a run wrote, in folders that it can read completely."""

from pathlib import Path

import pytest
from archarena.harness.records.cards import ModelCard
from archarena.harness.records.store import MARKER, ResultStore

ARTIFACT = f"{'ab' * 32}.safetensors"


@pytest.fixture
def marked(tmp_path):
    """Return a results folder with one artifact that no record names."""
    folder = tmp_path / "results"
    store = ResultStore(folder)
    store.write_card(ModelCard(name="mine"))
    store.mark()
    (folder / "records").mkdir()
    put(folder / "predictions" / ARTIFACT)
    return folder


def put(path):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"0")
    return path


def test_a_folder_that_no_run_has_written_is_refused(call, marked):
    (marked / MARKER).unlink()
    code, _, err = call("clean", "--results", marked, "--yes")
    assert code == 2
    assert "may not be a results folder" in err
    assert (marked / "predictions" / ARTIFACT).exists()


def test_an_empty_path_is_refused(call, marked, monkeypatch):
    monkeypatch.chdir(marked)
    code, _, err = call("clean", "--results", "", "--yes")
    assert code == 2
    assert "A path is empty" in err
    assert (marked / "predictions" / ARTIFACT).exists()


def test_only_files_with_names_that_a_run_gives_are_deleted(call, marked):
    others = ["predictions/mine.safetensors", f"predictions/{ARTIFACT}.bak", "weights/notes.txt", "work/data/mine/x"]
    kept = [put(marked / name) for name in others]
    key = "cd" * 32
    ours = [put(marked / name).parent for name in ("work/data/toy-smoke-s0-0123456789ab/x", f"work/cells/{key}/x")]
    code, out, _ = call("clean", "--results", marked, "--yes")
    assert code == 0
    assert "3 files and folders deleted." in out
    assert all(path.exists() for path in kept)
    assert not any(path.exists() for path in [*ours, marked / "predictions" / ARTIFACT])


@pytest.mark.parametrize("place", ["work/data", "predictions"])
def test_nothing_behind_a_link_is_deleted(call, marked, tmp_path, place):
    behind = tmp_path / "behind"
    kept = put(behind / (ARTIFACT if place == "predictions" else "toy-smoke-s0-0123456789ab/x"))
    if place == "predictions":
        (marked / "predictions" / ARTIFACT).unlink()
        (marked / "predictions").rmdir()
    (marked / place).parent.mkdir(exist_ok=True)
    (marked / place).symlink_to(behind)
    code, out, _ = call("clean", "--results", marked, "--yes")
    assert code == 0
    assert "is a link: nothing behind it is deleted." in out
    assert kept.exists()


def test_nothing_is_deleted_if_a_folder_cannot_be_read(call, marked, monkeypatch):
    entries = Path.iterdir

    def denied(folder):
        if folder.name == "records":
            raise PermissionError(13, "Permission denied")
        return entries(folder)

    monkeypatch.setattr(Path, "iterdir", denied)
    put(marked / "work" / "data" / "toy-smoke-s0-0123456789ab" / "x")
    code, _, err = call("clean", "--results", marked, "--yes")
    assert code == 2
    assert "records cannot be read, so nothing is deleted" in err
    assert (marked / "predictions" / ARTIFACT).exists()
    assert (marked / "work" / "data" / "toy-smoke-s0-0123456789ab").exists()


def test_nothing_is_deleted_if_a_file_replaces_the_folder_of_records(call, marked):
    (marked / "records").rmdir()
    (marked / "records").write_bytes(b"")
    put(marked / "work" / "data" / "toy-smoke-s0-0123456789ab" / "x")
    code, _, err = call("clean", "--results", marked, "--yes")
    assert code == 2
    assert "records cannot be read, so nothing is deleted: Not a directory." in err
    assert (marked / "predictions" / ARTIFACT).exists()
    assert (marked / "work" / "data" / "toy-smoke-s0-0123456789ab").exists()


def test_artifacts_are_kept_without_a_folder_of_records(call, marked):
    (marked / "records").rmdir()
    assert call("clean", "--results", marked, "--yes")[0] == 0
    assert (marked / "predictions" / ARTIFACT).exists()


@pytest.mark.parametrize("place", ["records/toy/x.json", "set-aside/toy/x.json"])
def test_artifacts_are_kept_while_a_record_cannot_be_read(call, marked, place):
    put(marked / place)
    code, out, _ = call("clean", "--results", marked, "--yes")
    assert code == 0
    assert "x.json cannot be read: files that no record names are kept." in out
    assert (marked / "predictions" / ARTIFACT).exists()
