"""The documentation: its commands run, and the files and headings that it names exist.

Each command in a code block runs on a folder of real records: `archarena run` with ``--dry-run``, others in full. A
comment before a block changes this: ``<!-- run in full -->``, also for Python, or ``<!-- not run: REASON -->``. A
Python block that starts with ``# name.py`` is written to that file.
"""

import re
import shlex
import shutil
from pathlib import Path
from typing import NamedTuple

import pytest
import typer
from archarena.harness.commands import main
from archarena.harness.commands.app import app

ROOT = Path(__file__).parents[1]
RECORDS = ROOT / "leaderboard" / "records" / "quick-cpu-3-seeds"
PAGES = {
    path.relative_to(ROOT).as_posix(): path
    for pattern in ("*.md", "docs/*.md", "kernels/*.md", "leaderboard/records/*.md")
    for path in sorted(ROOT.glob(pattern))
    if path.name != "CHANGELOG.md"
}
each_page = pytest.mark.parametrize("page", PAGES.values(), ids=PAGES)


class Block(NamedTuple):
    """A code block, and the comment before it."""

    mark: str
    language: str
    text: str

    @property
    def is_run_in_full(self):
        return self.mark == "run in full"

    @property
    def commands(self):
        """Return the arguments of each `archarena` command."""
        lines = (re.match(r"(?:[A-Z_]+=\S+ |srun )?archarena (.*)", line) for line in self.text.splitlines())
        return [shlex.split(line[1], comments=True) for line in lines if line]


def blocks_of(page):
    found = re.findall(r"^(?:<!-- (.*?) -->\n)?```(\w*)\n(.*?)^```", page.read_text(), re.DOTALL | re.MULTILINE)
    return [Block(*block) for block in found]


def headings_of(page):
    titles = re.findall(r"^#+ (.*)", page.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", title).lower().replace(" ", "-") for title in titles}


@each_page
def test_every_command_can_be_parsed(page, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for arguments in (arguments for block in blocks_of(page) for arguments in block.commands):
        command = typer.main.get_command(app)
        while hasattr(command, "commands"):
            name, *arguments = arguments
            command = command.commands[name]
        command.make_context(command.name, arguments)


WITH_COMMANDS = {
    name: page
    for name, page in PAGES.items()
    if any(
        not block.mark.startswith("not run: ") and (block.commands or block.is_run_in_full) for block in blocks_of(page)
    )
}


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """Return a working folder with records and an empty data folder, and end no command in a browser."""
    shutil.copytree(RECORDS, tmp_path / "results")
    (tmp_path / "results" / ".archarena").touch()
    (tmp_path / "more-results").symlink_to(tmp_path / "results")
    (tmp_path / "DIR").mkdir()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(typer, "launch", lambda _: 0)
    return tmp_path


@pytest.mark.parametrize("page", WITH_COMMANDS.values(), ids=WITH_COMMANDS)
def test_every_block_runs(page, folder, capsys):
    for block in blocks_of(page):
        if block.mark.startswith("not run: "):
            continue
        if named := re.match(r"# (\w+\.py)\n", block.text):
            (folder / named[1]).write_text(block.text)
        elif block.language == "python" and block.is_run_in_full:
            exec(block.text, {})
        for arguments in block.commands:
            runs = arguments[0] == "run" and "--dry-run" not in arguments
            how = ["--inline", "--device", "cpu"] if block.is_run_in_full else ["--dry-run"]
            with pytest.raises(SystemExit) as end:
                main([*arguments, *(how if runs else [])])
            printed = capsys.readouterr()
            assert end.value.code in (0, None), f"archarena {shlex.join(arguments)}\n{printed.out}{printed.err}"


@each_page
def test_every_link_leads_to_a_file_and_heading(page):
    for address, heading in re.findall(r"\]\(([^)#:]*)#?([^)]*)\)", page.read_text()):
        target = page.parent / address if address else page
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
