"""The files of a site: each page with what it shows."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from .comparison import comparison_view
from .payload import section_payload
from .rendering import render
from .runs import run_view
from .site import Site
from .table import to_csv, to_json
from .tasks import task_view

File = tuple[str, str]
_ASSETS = Path(__file__).parent / "assets"
_SCRIPTS = ("state", "table", "compare", "download", "seeds", "charts", "board")
"""Scripts of the index page, in the order in which they build on each other."""


def site_files(site: Site) -> Iterator[File]:
    """Yield path and text of each file; the index comes last, so that its links lead somewhere."""
    for asset in sorted(_ASSETS.iterdir()):
        yield f"assets/{asset.name}", asset.read_text(encoding="utf-8")
    yield "table.csv", to_csv(site.table)
    yield "table.json", to_json(site.table)
    yield "reading.html", render("reading.html", "reading.html")
    yield from _run_pages(site)
    yield from _model_pages(site)
    yield from _task_pages(site)
    yield from _comparison_pages(site)
    yield "index.html", _index(site)


def _run_pages(site: Site) -> Iterator[File]:
    for record in site.records:
        page = site.run_pages[record.key]
        yield page, render("run.html", page, run=run_view(record, site.sources), links=site.links)


def _model_pages(site: Site) -> Iterator[File]:
    for model, page in site.links.models.items():
        others = {name: site.links.pair(model, name) for name in site.links.models if name != model}
        card, found = site.sources.model(model), site.rows_of_model(model)
        yield page, render("model.html", page, card=card, found=found, others=others)


def _task_pages(site: Site) -> Iterator[File]:
    for task, page in site.links.tasks.items():
        yield page, render("task.html", page, task=task_view(task, site))


def _comparison_pages(site: Site) -> Iterator[File]:
    for (one, other), page in site.links.pairs.items():
        yield page, render("compare.html", page, view=comparison_view(one, other, site))


def _index(site: Site) -> str:
    views = [{"section": section, "charts": (), "payload": section_payload(section)} for section in site.sections]
    return render(
        "index.html", "index.html", sections=views, notes=site.notes, scripts=_SCRIPTS, choices=_choices(site)
    )


def _choices(site: Site) -> dict[str, Any]:
    """Return what a reader may choose from, each in the order in which the page shows it."""
    sections = site.sections
    columns = [column for section in sections for column in section.columns]
    rows = [row for section in sections for row in section.rows]
    lists = {
        "variant": (row.variant for row in rows),
        "suite": (column.group for column in columns),
        "column": (column.name for column in columns),
        "family": sorted(row.family for row in rows),
        "status": sorted({seed.status for row in rows for cell in row.cells for seed in cell.seeds} - {"incomplete"}),
        **{name: (getattr(section, name) for section in sections) for name in ("tier", "recipe", "device")},
    }
    choices = {name: list(dict.fromkeys(values)) for name, values in lists.items()}
    return choices | {"published": any(section.published for section in sections)}
