"""Build the static site from result folders. The command ``archarena board`` calls `build_board`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ..harness.errors import UserError
from ..harness.files import write_atomically
from ..harness.records.store import ResultStore
from .pages.files import site_files
from .pages.site import make_site
from .read.results import read_results
from .read.selection import Selection


@dataclass(frozen=True)
class BoardSummary:
    """What a build wrote.

    Attributes
    ----------
    pages, written
        Number of files in the site, and how many of them changed.
    rows, cells, failures
        Number of variants, of cells, and of cells that failed.
    notes
        The site's notes on its records: conflicts, older records, differing data.
    """

    index: Path
    pages: int
    written: int
    rows: int
    cells: int
    failures: int
    notes: tuple[str, ...]

    def __str__(self) -> str:
        failed = f", {self.failures} of them failed" if self.failures else ""
        variants = "1 variant" if self.rows == 1 else f"{self.rows} variants"
        cells = "1 cell" if self.cells == 1 else f"{self.cells} cells"
        return f"{variants}, {cells}{failed}; {self.written} of {self.pages} files changed"


def build_board(folders: Sequence[Path], output: Path, selection: Selection | None = None) -> BoardSummary:
    """Write the site for one or more result folders. Files that did not change are not rewritten.

    Parameters
    ----------
    selection
        Which records the site shows; by default all.

    Raises
    ------
    UserError
        If there are no records that can be read, or the site cannot be written.
    """
    _check_output(output)
    results = read_results(folders)
    site = make_site(selection.of(results) if selection else results)
    changed = [_write_if_changed(output / name, text) for name, text in site_files(site)]
    return BoardSummary(
        index=output / "index.html",
        pages=len(changed),
        written=sum(changed),
        rows=len({record.cell.variant for record in site.records}),
        cells=len(site.records),
        failures=sum(record.failed for record in site.records),
        notes=site.notes,
    )


def _check_output(output: Path) -> None:
    """Raise `UserError` if a folder is not a site's: a results folder, or one with someone else's pages."""
    if (output / "records").is_dir() or ResultStore(output).is_marked:
        raise UserError(f"{output} is a results folder: write the site to another folder with --output.")
    index = output / "index.html"
    if index.is_file() and not (output / "assets" / "board.css").is_file():
        raise UserError(f"{index} is not a page of archarena: write the site to another folder with --output.")


def _write_if_changed(path: Path, text: str) -> bool:
    content = text.encode("utf-8", "backslashreplace")
    if path.is_file() and path.read_bytes() == content:
        return False
    write_atomically(path, content, durable=False)
    return True
