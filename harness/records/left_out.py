"""Messages about files of a results folder that a command leaves out because they cannot be read."""

from __future__ import annotations

import sys

from ..text import visible


def say_left_out(why: str) -> None:
    """Print one line to standard error that names the file and says why it is left out."""
    print(visible(f"archarena: Left out: {' '.join(why.split())}"), file=sys.stderr)
