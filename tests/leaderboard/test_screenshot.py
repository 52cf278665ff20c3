"""Screenshots of a page with an installed Chromium."""

import shutil
import struct

import pytest
from archarena.harness.errors import UserError
from archarena.leaderboard import screenshot


def test_the_picture_is_a_png_of_the_size_that_was_asked_for(tmp_path):
    if not any(map(shutil.which, screenshot.BROWSERS)):
        pytest.skip("no chromium was found")
    page, picture = tmp_path / "index.html", tmp_path / "new" / "page.png"
    page.write_text("<!doctype html><title>t</title><p>Text")
    screenshot.take_screenshot(page, picture)
    content = picture.read_bytes()
    assert content[:8] == b"\x89PNG\r\n\x1a\n"
    assert struct.unpack(">II", content[16:24]) == screenshot.SIZE


def test_without_a_browser_the_names_looked_for_are_told(tmp_path, monkeypatch):
    monkeypatch.setattr(shutil, "which", lambda _: None)
    with pytest.raises(UserError, match=r"needs Chromium, and none of these was found: chromium"):
        screenshot.take_screenshot(tmp_path / "index.html", tmp_path / "page.png")


@pytest.mark.parametrize(("script", "said"), [("echo broken >&2; exit 3", "broken"), ("exit 0", "no message")])
def test_a_browser_that_leaves_no_picture_is_told_with_its_last_word(tmp_path, monkeypatch, script, said):
    browser = tmp_path / "chromium"
    browser.write_text(f"#!/bin/sh\n{script}\n")
    browser.chmod(0o755)
    monkeypatch.setattr(shutil, "which", lambda _: str(browser))
    with pytest.raises(UserError, match=f"took no screenshot: {said}"):
        screenshot.take_screenshot(tmp_path / "index.html", tmp_path / "page.png")
