"""The files of a site: each page with what it shows."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from .charts.drawing import draw
from .charts.library import chart_library
from .charts.speed import speed_charts
from .comparison import comparison_view
from .payload import section_payload
from .rendering import render
from .runs import run_view
from .site import Site
from .summaries import section_charts, task_charts
from .table import to_csv, to_json
from .tasks import task_view
from .views import RowView, SectionView

File = tuple[str, str]
ASSETS = Path(__file__).parent / "assets"
SCRIPTS = ("state", "table", "compare", "download", "seeds", "charts", "board")
"""Scripts of the index page, in the order in which they build on each other."""


def site_files(site: Site) -> Iterator[File]:
    """Yield path and text of each file; the index comes last, so that its links lead somewhere."""
    for asset in sorted(ASSETS.iterdir()):
        yield f"assets/{asset.name}", asset.read_text(encoding="utf-8")
    yield "assets/vega.js", chart_library()
    yield "table.csv", to_csv(site.table)
    yield "table.json", to_json(site.table)
    yield "reading.html", render("reading.html", "reading.html")
    yield from _run_pages(site)
    yield from _model_pages(site)
    yield from _task_pages(site)
    yield from _comparison_pages(site)
    yield from _speed_page(site)
    yield from index_page(site)


def _run_pages(site: Site) -> Iterator[File]:
    for record in site.records:
        page = site.run_pages[record.key]
        yield page, render("run.html", page, run=run_view(record, site.sources), links=site.links)


def _model_pages(site: Site) -> Iterator[File]:
    for model, page in site.links.models.items():
        others = {name: site.links.pair(model, name) for name in site.links.models if name != model}
        card, found = site.sources.model(model), site.rows_of_model(model)
        yield page, render("model.html", page, card=card, found=found, lifts=_lifts(found), others=others)


def _lifts(found: Iterable[tuple[SectionView, Sequence[RowView]]]) -> dict[str, list[str]]:
    """Return the tasks of each lift, over all sections."""
    lifts: dict[str, list[str]] = {}
    for lift, tasks in (lift for _, rows in found for row in rows for lift in row.lifts):
        lifts[lift] = sorted({*lifts.get(lift, []), *tasks})
    return lifts


def _task_pages(site: Site) -> Iterator[File]:
    for task, page in site.links.tasks.items():
        drawings = [draw(chart, page) for chart in task_charts(task, site)]
        yield from ((drawn.script, drawn.source) for drawn in drawings)
        yield page, render("task.html", page, task=task_view(task, site), drawings=drawings)


def _speed_page(site: Site) -> Iterator[File]:
    drawings = [draw(chart, "speed.html") for chart in speed_charts(site.sources.benches)]
    if drawings:
        yield from ((drawn.script, drawn.source) for drawn in drawings)
        yield "speed.html", render("speed.html", "speed.html", drawings=drawings)


def _comparison_pages(site: Site) -> Iterator[File]:
    for (one, other), page in site.links.pairs.items():
        yield page, render("compare.html", page, view=comparison_view(one, other, site))


def index_page(site: Site) -> Iterator[File]:
    """Yield the index and the files of its charts."""
    views = []
    for section in site.sections:
        drawings = [draw(chart, "index.html") for chart in section_charts(section, site)]
        yield from ((drawn.script, drawn.source) for drawn in drawings)
        views.append({"section": section, "charts": drawings, "payload": section_payload(section)})
    shown = {"sections": views, "notes": site.notes, "choices": _choices(site), "speed": bool(site.sources.benches)}
    yield "index.html", render("index.html", "index.html", scripts=SCRIPTS, **shown)


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
