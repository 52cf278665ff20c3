"""A lock that allows only one run at a time per results folder."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from ..errors import UserError


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Hold the folder's lock; the operating system releases it when the process ends, even after a crash.

    Raises
    ------
    UserError
        If another run holds the lock, or the folder is not writable.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        held = FileLock(folder / ".lock").acquire(blocking=False)
    except Timeout:
        raise UserError(f"Another run is writing to {folder}; wait for it or use --results.") from None
    except OSError as error:
        raise UserError(f"Cannot write to the results folder {folder}: {error.strerror}.") from error
    with held:
        yield
