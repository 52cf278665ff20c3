"""Call a function in a child process, so that code of plugins that exits, hangs or crashes cannot stop a command."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from ..errors import UserError
from ..files import read_regular
from ..text import one_line
from .environment import child_environment
from .supervised import Forked, start_supervised

SECONDS = 60.0
"""Time limit of calls that set none."""

_END_SECONDS = 10.0

_ANSWER_BYTES = 64 * 2**20


def call_in_child(what: str, function: Callable[..., Any], *arguments: Any, seconds: float | None = None) -> Any:
    """Return what a function of a module returns for these arguments, all of them JSON values.

    What the function prints goes to this process's standard error. All processes that it started end with it.

    Parameters
    ----------
    what
        The code that is called, for messages, such as "The plugin toy.py".
    seconds
        Time limit; the default is `SECONDS`.

    Raises
    ------
    UserError
        If the function raises one or another exception, ends the process, or takes too long.
    """
    limit = seconds or SECONDS
    with TemporaryDirectory(prefix="archarena-") as place:
        folder = Path(place)
        question = [function.__module__, function.__qualname__, arguments]
        (folder / "question.json").write_text(json.dumps(question))
        process = start_supervised(__name__, place, stdout=2, stderr=2, environment=child_environment(1))
        try:
            code = process.wait(limit)
        except subprocess.TimeoutExpired:
            raise UserError(f"{what} did not finish within {limit:g} s.") from None
        finally:
            _end(process)
        if not (folder / "answer.json").exists():
            how = f"was killed by signal {-code}" if code < 0 else f"exited with code {code}"
            raise UserError(f"{what} {how} before it finished.")
        answer = _read(folder / "answer.json", what)
    if "error" in answer:
        raise UserError(answer["error"])
    if "ended" in answer:
        raise UserError(one_line(f"{what} {answer['ended']}"))
    return answer["value"]


def _read(path: Path, what: str) -> dict[str, Any]:
    try:
        return json.loads(read_regular(path, _ANSWER_BYTES))
    except (UserError, ValueError, RecursionError) as error:
        raise UserError(f"{what} left an answer that cannot be read: {one_line(str(error))}") from None


def _end(process: Forked | subprocess.Popen[bytes]) -> None:
    """Let the supervisor kill all processes, and kill it too if it does not end."""
    assert process.stdin is not None
    process.stdin.close()
    with suppress(subprocess.TimeoutExpired):
        process.wait(_END_SECONDS)
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    with suppress(subprocess.TimeoutExpired):
        process.wait(_END_SECONDS)


def main(place: str) -> None:
    """Answer the question in a folder, in the child process."""
    folder = Path(place)
    module, name, arguments = json.loads((folder / "question.json").read_text())
    try:
        answer = {"value": getattr(import_module(module), name)(*arguments)}
    except UserError as error:
        answer = {"error": str(error)[:_ANSWER_BYTES]}
    except SystemExit as end:
        answer = {"ended": f"called sys.exit({end.code!r})."}
    except Exception as error:
        answer = {"ended": f"raised {type(error).__name__}: {str(error)[:1000]}"}
    with suppress(Exception):
        sys.stdout.flush()
    unfinished = folder / "unfinished.json"
    unfinished.write_text(json.dumps(answer))
    unfinished.replace(folder / "answer.json")
    os._exit(0)  # threads and exit handlers of the plugin must not run
