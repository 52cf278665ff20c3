"""The command line. `main` imports the rest, so that it also handles Ctrl-C during the imports."""

from __future__ import annotations

import sys
from typing import NoReturn

INVALID, STOPPED = 2, 130

LONGEST = 4000
"""Number of characters of a message."""


def main(arguments: list[str] | None = None) -> NoReturn:
    """Run the command line and exit; ``docs/commands.md`` lists the exit codes.

    A mistake in the command, or a file that cannot be read or written, prints one sentence.
    """
    try:
        code, message = _run(arguments)
    except KeyboardInterrupt:
        code, message = STOPPED, "Stopped."
    if message:
        from ..text import shortened
        from .output import say

        say(f"archarena: {shortened(message, LONGEST)}", err=True)
    sys.exit(code)


def _run(arguments: list[str] | None) -> tuple[int, str]:
    """Return the exit code, and the message that explains it unless the command has printed one."""
    from ..errors import StoppedError, UserError
    from .app import app

    try:
        app(arguments)
    except UserError as error:
        return INVALID, str(error)
    except StoppedError as error:
        return STOPPED, str(error)
    except BrokenPipeError:
        pass
    except OSError as error:
        return INVALID, f"{error.filename}: {error.strerror}." if error.filename else f"{error}."
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else int(end.code is not None)
        return code, "Stopped." if code == STOPPED else ""
    return 0, ""
