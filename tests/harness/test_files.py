"""Files are written atomically, and their names cannot leave the folder."""

import os
import sys
import threading
from pathlib import Path

import pytest
from archarena.harness.errors import UserError
from archarena.harness.files import cache_folder, replacing, slug, write_atomically
from hypothesis import given
from hypothesis import strategies as st


def test_a_failed_write_leaves_the_old_file(tmp_path, monkeypatch):
    path = tmp_path / "file"
    write_atomically(path, b"old")

    def full(_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(UserError, match="No space left on device"):
        write_atomically(path, b"new")
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_readers_never_see_a_part_of_a_file(tmp_path):
    path, seen = tmp_path / "file", set()
    write_atomically(path, b"0" * 100_000)
    writer = threading.Thread(target=lambda: [write_atomically(path, bytes([48 + n]) * 100_000) for n in range(20)])
    writer.start()
    while writer.is_alive():
        content = path.read_bytes()
        seen.add((len(content), len(set(content))))
    assert seen == {(100_000, 1)}


def test_a_folder_or_file_is_replaced_whole_or_not_at_all(tmp_path):
    folder = tmp_path / "new" / "folder"
    for text in ("first", "second"):
        with replacing(folder) as unfinished:
            unfinished.mkdir()
            (unfinished / text).write_text(text)
            (unfinished.with_name("scratch")).write_text("not kept")

    def fail():
        with replacing(folder / "second") as unfinished:
            unfinished.write_text("third")
            raise OSError("full")

    with pytest.raises(OSError, match="full"):
        fail()
    assert [path.relative_to(tmp_path).as_posix() for path in sorted(tmp_path.rglob("*"))] == [
        "new",
        "new/folder",
        "new/folder/second",
    ]
    assert (folder / "second").read_text() == "second"


def test_the_cache_is_where_the_environment_says(tmp_path, monkeypatch):
    monkeypatch.setenv("ARCHARENA_CACHE", str(tmp_path))
    assert cache_folder("charts") == tmp_path / "charts"
    monkeypatch.delenv("ARCHARENA_CACHE")
    assert cache_folder("charts").parts[-2:] == ("archarena", "charts")


@given(st.text())
def test_a_slug_is_a_plain_file_name(text):
    name = slug(text)
    assert name not in (".", "..")
    assert set(name) <= set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-")
    assert name


@pytest.mark.skipif(sys.platform != "linux", reason="reads the names of open files")
def test_what_is_written_survives_a_power_failure(tmp_path, monkeypatch):
    """Content is on the disk before its name, and the name before the next step."""
    done = []
    real, replace = os.fsync, Path.replace
    monkeypatch.setattr(os, "fsync", lambda fd: done.append(Path(f"/proc/self/fd/{fd}").readlink().name) or real(fd))
    monkeypatch.setattr(Path, "replace", lambda path, target: done.append("rename") or replace(path, target))
    write_atomically(tmp_path / "file", b"x")
    assert done[1:] == ["rename", tmp_path.name]
    done.clear()
    with replacing(tmp_path / "folder") as unfinished:
        unfinished.mkdir()
        (unfinished / "part").write_text("x")
    assert done == ["folder", "part", "rename", tmp_path.name]
