"""Screenshot of the index page, taken with a headless Chromium."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path
from tempfile import TemporaryDirectory

from ..harness.errors import UserError

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
FLAGS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
)  # fmt: skip
SIZE = (1440, 900)
"""Width and height in pixels."""
TIMEOUT = 120
"""Seconds."""


def take_screenshot(index: Path, picture: Path) -> None:
    """Write a PNG of the page at `index`.

    Raises
    ------
    UserError
        If no Chromium is installed, or it writes no screenshot.
    """
    browser = next(filter(None, map(shutil.which, BROWSERS)), None)
    if browser is None:
        raise UserError(f"A screenshot needs Chromium, and none of these was found: {', '.join(BROWSERS)}.")
    picture.parent.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory() as profile:
        command = [
            browser, *FLAGS, f"--user-data-dir={profile}", f"--window-size={SIZE[0]},{SIZE[1]}",
            f"--screenshot={picture.resolve()}", index.resolve().as_uri(),
        ]  # fmt: skip
        try:
            done = subprocess.run(command, capture_output=True, text=True, timeout=TIMEOUT, check=False)
        except subprocess.TimeoutExpired:
            raise UserError(f"{browser} took no screenshot within {TIMEOUT} s.") from None
    if done.returncode or not picture.is_file():
        last = (done.stderr.strip().splitlines() or ["no message"])[-1]
        raise UserError(f"{browser} took no screenshot: {last}")
