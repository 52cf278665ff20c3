"""Child processes that answer each line of JSON with another line of JSON."""

from __future__ import annotations

import json
import select
import subprocess
from collections.abc import Mapping, Sequence
from tempfile import TemporaryFile
from typing import Any


class LineProcess:
    """A child process that reads a line of JSON from its standard input and writes one to its standard output."""

    def __init__(self, command: Sequence[str], environment: Mapping[str, str] | None = None):
        self._errors = TemporaryFile("w+")  # noqa: SIM115 (closed with the process)
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self._errors, text=True, env=environment
        )

    def ask(self, question: Any = None, seconds: float | None = None) -> Any:
        """Send a question and return the answer.

        Raises
        ------
        ChildProcessError
            If the process has ended, with the last line that it wrote to its standard error.
        TimeoutError
            If the answer takes longer than `seconds`; the process cannot be asked again.
        """
        process = self._process
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            process.stdin.write(json.dumps(question) + "\n")
            process.stdin.flush()
            if not select.select([process.stdout], [], [], seconds)[0]:
                raise TimeoutError(f"It did not answer in {seconds:g} seconds.")
            line = process.stdout.readline()
        except BrokenPipeError:
            line = ""
        if not line:
            code = process.wait()
            self._errors.seek(0)
            last = self._errors.read().strip().splitlines()
            raise ChildProcessError(last[-1] if last else f"It ended with exit code {code}.")
        return json.loads(line)

    def end(self) -> None:
        """Kill the process and wait for its end."""
        self._process.kill()
        self._process.communicate()
        self._errors.close()
