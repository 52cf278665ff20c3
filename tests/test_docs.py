"""The documentation: its commands are valid, and the files and headings that it names exist."""

import re
import shlex
from pathlib import Path

import pytest
import typer
from archarena.harness.commands.app import app

ROOT = Path(__file__).parents[1]
PAGES = {
    path.relative_to(ROOT).as_posix(): path
    for pattern in ("*.md", "docs/*.md", "kernels/*.md", "leaderboard/records/*.md")
    for path in sorted(ROOT.glob(pattern))
    if path.name != "CHANGELOG.md"
}
each_page = pytest.mark.parametrize("page", PAGES.values(), ids=PAGES)


def commands_of(page):
    """Yield the arguments of each `archarena` command in the page's code blocks."""
    for block in re.findall(r"^```\w*\n(.*?)^```", page.read_text(), re.DOTALL | re.MULTILINE):
        for line in block.splitlines():
            if command := re.match(r"(?:[A-Z_]+=\S+ )?archarena (.*)", line):
                yield shlex.split(command[1], comments=True)


def headings_of(page):
    titles = re.findall(r"^#+ (.*)", page.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", title).lower().replace(" ", "-") for title in titles}


@each_page
def test_every_command_can_be_parsed(page, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("enwik8.zip").touch()
    for arguments in commands_of(page):
        command = typer.main.get_command(app)
        while hasattr(command, "commands"):
            name, *arguments = arguments
            command = command.commands[name]
        command.make_context(command.name, arguments)


@each_page
def test_every_link_leads_to_a_file_and_heading(page):
    for address, heading in re.findall(r"\]\(([^)#:]+)#?([^)]*)\)", page.read_text()):
        target = page.parent / address
        assert target.exists(), address
        assert not heading or heading in headings_of(target), f"{address}#{heading}"


@each_page
def test_every_named_source_file_exists(page):
    for name in re.findall(r"`([a-z_/]+/[a-z0-9_]+\.(?:py|json|md))`", page.read_text()):
        assert any((ROOT / folder / name).exists() for folder in ("", "harness", "leaderboard")), name


def test_the_limits_in_the_security_page_are_those_of_the_code():
    from archarena.harness.check.samples import LENGTH
    from archarena.harness.check.trained import LENGTHS
    from archarena.harness.running.doubts import SHORTEST_STEP, START_SECONDS

    page = PAGES["SECURITY.md"].read_text()
    lengths = ", ".join(f"{length:,}" for length in (LENGTH, *LENGTHS[:-1])) + f" and {LENGTHS[-1]:,} positions"
    for words in (lengths, f"first {START_SECONDS:g} s", f"under {1e6 * SHORTEST_STEP:g} µs"):
        assert words in page
