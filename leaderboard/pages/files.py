"""The files of the site. Each page is rendered from its template and the view of its module."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path
from urllib.parse import quote

import jinja2

from ...harness.records.cards import RecipeCard
from ..charts.drawing import Chart, chart_library, draw
from ..charts.speed import speed_charts
from ..formats import duration, paper_address, plain, visible
from ..table.rows import to_csv, to_json
from ..table.scales import shade
from .comparison import comparison_payload
from .formula import formula
from .index import choices, section_charts, section_payload, section_table
from .model import model_view
from .run import run_view
from .site import Site
from .task import task_view

File = tuple[str, str]
"""Path and text of a file."""
ASSETS = Path(__file__).parent / "assets"
TEMPLATES = Path(__file__).parent / "templates"
SCRIPTS = Path(__file__).parent / "scripts"
PARTS = ("state", "table", "compare", "download", "seeds", "board")
"""Parts of the script of the index page, in order of their dependencies."""


def site_files(site: Site) -> Iterator[File]:
    """Yield the files of the site. The index is last, so that its links never point to missing files."""
    for asset in sorted(ASSETS.iterdir()):
        yield f"assets/{asset.name}", asset.read_text(encoding="utf-8")
    yield "assets/board.js", board_script()
    yield "assets/vega.js", chart_library()
    yield "table.csv", to_csv(site.table)
    yield "table.json", to_json(site.table)
    yield "reading.html", render("reading.html", "reading.html")
    yield from _run_pages(site)
    yield from _model_pages(site)
    yield from _task_pages(site)
    yield from _comparison_page(site)
    yield from _speed_page(site)
    yield from index_page(site)


def board_script() -> str:
    """Return the script of the index page."""
    return "\n".join((SCRIPTS / f"{part}.js").read_text(encoding="utf-8") for part in PARTS)


def render(template: str, page: str, **values: object) -> str:
    """Return the page at the path `page`. All values are HTML-escaped, and invisible characters are made visible."""
    return _environment().get_template(template).render(root="../" * page.count("/"), **values)


@cache
def _environment() -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        finalize=visible,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "plain": plain,
        "paper_address": paper_address,
        "recipe": recipe_line,
        "duration": duration,
        "formula": formula,
    }
    environment.globals |= {"shade": shade}
    return environment


def _with_drawings(template: str, page: str, charts: Iterable[Chart], **values: object) -> Iterator[File]:
    drawings = [draw(chart, page) for chart in charts]
    yield from ((drawn.script, drawn.source) for drawn in drawings)
    yield page, render(template, page, drawings=drawings, **values)


def index_page(site: Site) -> Iterator[File]:
    """Yield the index and the files of its charts."""
    views = []
    for section in site.sections:
        drawings = [draw(chart, "index.html") for chart in section_charts(section, site)]
        yield from ((drawn.script, drawn.source) for drawn in drawings)
        table = section_table(section, site)
        views.append({"table": table, "charts": drawings, "payload": section_payload(table.main)})
    shown = {
        "sections": views,
        "first_table": next((i for i, section in enumerate(site.sections) if not section.is_line), None),
        "notes": site.notes,
        "choices": choices(site),
        "speed": bool(site.results.bench_reports),
    }
    yield "index.html", render("index.html", "index.html", **shown)


def _run_pages(site: Site) -> Iterator[File]:
    for record in site.records:
        page = site.run_pages[record.key]
        view = run_view(record, site.results, site.earlier(record))
        yield page, render("run.html", page, run=view, links=site.links)


def _model_pages(site: Site) -> Iterator[File]:
    for model, page in site.links.models.items():
        others = {
            name: f"compare.html#models={quote(model)},{quote(name)}" for name in site.links.models if name != model
        }
        yield page, render("model.html", page, view=model_view(model, site), others=others)


def recipe_line(card: RecipeCard) -> str:
    """Return a published recipe as text: size, length, settings and citation."""
    length = f"{plain(card.steps)} steps" if card.epochs is None else f"{card.epochs} epochs"
    settings = {name: value for name, value in {**card.hyperparameters, **card.recipe}.items() if name != "name"}
    listed = plain({name.replace("_", " "): value for name, value in settings.items()})
    size = f"width {plain(card.width)}, depth {plain(card.depth)}"
    return f"{size}; {length}, {plain(card.batch)} rows per batch; {listed}. {card.citation}"


def _task_pages(site: Site) -> Iterator[File]:
    for task, page in site.links.tasks.items():
        yield page, render("task.html", page, task=task_view(task, site))


def _comparison_page(site: Site) -> Iterator[File]:
    payloads = [comparison_payload(section, site) for section in site.sections]
    yield "compare.html", render("compare.html", "compare.html", payloads=payloads)


def _speed_page(site: Site) -> Iterator[File]:
    charts = list(speed_charts(site.results.bench_reports))
    if charts:
        yield from _with_drawings("speed.html", "speed.html", charts)
