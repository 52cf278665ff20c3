"""Files are written atomically, and their names cannot leave the folder."""

import os
import threading

import pytest
from archarena.harness.errors import UserError
from archarena.harness.files import slug, write_atomically
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


@given(st.text())
def test_a_slug_is_a_plain_file_name(text):
    name = slug(text)
    assert name not in (".", "..")
    assert set(name) <= set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-")
    assert name
