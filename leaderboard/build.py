"""From results folders to a static site."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import jinja2
import pandas as pd

from ..harness.records import write_atomically
from .board import sections
from .formats import visible
from .runs import run_view
from .sources import Sources, read_sources
from .table import make_table, rows_of, to_csv

_HERE = Path(__file__).parent


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
    sources = read_sources(results)
    table, table_notes = make_table(sources)
    notes = (*sources.notes, *table_notes)
    files = list(_files(sources, table, notes))
    written = sum(_write_if_changed(site / name, text) for name, text in files)
    cells = {row["key"]: row for row in rows_of(table)}.values()
    return BoardSummary(
        index=site / "index.html",
        pages=len(files),
        written=written,
        rows=len({cell["variant"] for cell in cells}),
        cells=len(cells),
        failures=sum(cell["status"] not in ("ok", "skipped") for cell in cells),
        notes=notes,
    )


def _files(sources: Sources, table: pd.DataFrame, notes: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Yield the files of the site; the index comes last, so that its links lead somewhere."""
    yield "assets/board.css", (_HERE / "assets" / "board.css").read_text(encoding="utf-8")
    yield "table.csv", to_csv(table)
    pages = dict(zip(table["key"], table["page"], strict=True))
    for record in sources.records:
        if record.key in pages:
            yield pages[record.key], _render("run.html", run=run_view(record, sources), root="../")
    yield "index.html", _render("index.html", sections=sections(table, sources), notes=notes, root="")


@cache
def _environment() -> jinja2.Environment:
    return jinja2.Environment(
        loader=jinja2.FileSystemLoader(_HERE / "templates"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        finalize=visible,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def _render(template: str, **values: object) -> str:
    return _environment().get_template(template).render(**values)


def _write_if_changed(path: Path, text: str) -> bool:
    content = text.encode("utf-8", "backslashreplace")
    if path.is_file() and path.read_bytes() == content:
        return False
    write_atomically(path, content)
    return True
