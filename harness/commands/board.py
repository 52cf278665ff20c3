"""``archarena board``: records to a static site."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

NAME = "board"


def command(
    results: Annotated[list[Path], typer.Argument(help="One or more results folders; they are merged.")],
    site: Annotated[Path, typer.Option("--output", "-o", help="Where the site is written.")] = Path("site"),
    open_: Annotated[bool, typer.Option("--open", help="Show it in the browser.")] = False,
    screenshot: Annotated[Path | None, typer.Option(help="Write a PNG of its first page; needs a Chromium.")] = None,
) -> None:
    """Write the leaderboard: one static site that opens from disk, without a network.

    Example: archarena board results -o site --open
    """
    from ...leaderboard.build import build_board

    summary = build_board(results, site)
    typer.echo(f"Wrote {summary.index}: {summary}")
    if screenshot:
        from ...leaderboard.screenshot import take_screenshot

        take_screenshot(summary.index, screenshot)
        typer.echo(f"Wrote {screenshot}")
    if open_:
        typer.launch(summary.index.resolve().as_uri())
