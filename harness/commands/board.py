"""``archarena board``: build a static site from records."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from .options import usable_path
from .output import say


def command(
    results: Annotated[
        list[Path],
        typer.Argument(metavar="RESULTS", parser=usable_path, help="One or more results folders, which are merged."),
    ],
    site: Annotated[
        Path, typer.Option("--output", "-o", metavar="DIR", parser=usable_path, help="Output folder of the site.")
    ] = Path("site"),
    models: Annotated[
        list[str] | None, typer.Option("--model", "-m", metavar="NAME", help="Show only this model; repeat.")
    ] = None,
    tasks: Annotated[
        list[str] | None, typer.Option("--task", "-t", metavar="NAME", help="Show only this task; repeat.")
    ] = None,
    tiers: Annotated[
        list[str] | None, typer.Option("--tier", metavar="NAME", help="Show only this tier; repeat.")
    ] = None,
    suites: Annotated[
        list[str] | None, typer.Option("--suite", "-s", metavar="NAME", help="Show only this suite; repeat.")
    ] = None,
    open_: Annotated[bool, typer.Option("--open", help="Open the site in the browser.")] = False,
    screenshot: Annotated[
        Path | None,
        typer.Option(metavar="FILE", parser=usable_path, help="Write a PNG of the first page (needs Chromium)."),
    ] = None,
) -> None:
    """Write the leaderboard as a static site that opens from disk without a network.

    Example: archarena board results -o site --open
    """
    from ...leaderboard.build import build_board
    from ...leaderboard.read.selection import Selection

    summary = build_board(results, site, Selection(models or (), tasks or (), tiers or (), suites or ()))
    say(f"Wrote {summary.index}: {summary}")
    if screenshot:
        from ...leaderboard.screenshot import take_screenshot

        take_screenshot(summary.index, screenshot)
        say(f"Wrote {screenshot}")
    if open_:
        typer.launch(summary.index.resolve().as_uri())
