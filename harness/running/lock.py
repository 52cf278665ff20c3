"""Locks of a results folder and of the cells in it; the operating system releases them when a process ends."""

from __future__ import annotations

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from ..errors import UserError


@contextmanager
def locked(folder: Path, *, shared: bool = False) -> Iterator[None]:
    """Hold the folder's lock: alone, or with others that share it, as runs do.

    Raises
    ------
    UserError
        If another process holds the lock, or the folder is not writable.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        file = (folder / ".lock").open("a")
    except OSError as error:
        raise UserError(f"Cannot write to the results folder {folder}: {error.strerror}.") from error
    with file:
        try:
            fcntl.flock(file, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
        except BlockingIOError:
            who = "Another command is changing" if shared else "Another run is writing to"
            raise UserError(f"{who} {folder}; wait for it or use --results.") from None
        yield


class Claims:
    """The working folders that a run has claimed, so that runs in one results folder share its cells."""

    def __init__(self) -> None:
        self._held: dict[Path, FileLock] = {}

    def take(self, folder: Path, *, wait: bool = False) -> bool:
        """Claim a folder and return whether that succeeded; with `wait`, wait until another run releases it."""
        if folder in self._held:
            return True
        if folder.is_symlink() or folder.is_file():
            folder.unlink()
        folder.mkdir(parents=True, exist_ok=True)
        lock = FileLock(folder / ".lock")
        try:
            lock.acquire(blocking=wait)
        except Timeout:
            return False
        self._held[folder] = lock
        return True

    def release(self, folder: Path) -> None:
        """Let other runs claim a folder; do nothing if this run has not claimed it."""
        if lock := self._held.pop(folder, None):
            lock.release()

    def release_all(self) -> None:
        for folder in list(self._held):
            self.release(folder)
