"""Printing of text that may come from a plugin, a record or a file."""

from __future__ import annotations

import typer

from ..text import visible


def say(text: str, *, err: bool = False) -> None:
    """Print text to standard output, or to standard error, with invisible characters escaped."""
    typer.echo(visible(text), err=err)
