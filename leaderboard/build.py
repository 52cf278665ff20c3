"""From results folders to a static site."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ..harness.files import write_atomically
from .pages import site_files
from .site import Site, make_site
from .sources import read_sources


@dataclass(frozen=True)
class BoardSummary:
    """What a build did.

    Attributes
    ----------
    pages, written
        Files of the site, and how many of them changed.
    rows, cells, failures
        Variants, cells, and cells that are neither a result nor a skip.
    notes
        What the page says about its records: conflicts, older records, differing data.
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
        return f"{self.rows} variants, {self.cells} cells{failed}; {self.written} of {self.pages} files changed"


def build_board(results: Sequence[Path], site: Path) -> BoardSummary:
    """Write the site made from one or more results folders; unchanged files are left alone.

    Raises
    ------
    UserError
        If there are no records, one cannot be read, or the site cannot be written.
    """
    made = make_site(read_sources(results))
    pages = written = 0
    for name, text in site_files(made):
        pages += 1
        written += _write_if_changed(site / name, text)
    return _summary(made, site / "index.html", pages, written)


def _summary(site: Site, index: Path, pages: int, written: int) -> BoardSummary:
    cells = site.cells
    return BoardSummary(
        index=index,
        pages=pages,
        written=written,
        rows=len({cell["variant"] for cell in cells}),
        cells=len(cells),
        failures=sum(cell["status"] not in ("ok", "skipped") for cell in cells),
        notes=site.notes,
    )


def _write_if_changed(path: Path, text: str) -> bool:
    content = text.encode("utf-8", "backslashreplace")
    if path.is_file() and path.read_bytes() == content:
        return False
    write_atomically(path, content, durable=False)
    return True
