"""Drawing of charts: their common style, their SVG, and the files that make them interactive.

Colors are CSS custom properties of the page, so charts follow the light, dark and print styles.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import altair as alt
import vl_convert
from markupsafe import Markup

from ...harness.errors import UserError
from ...harness.files import cache_folder, write_atomically
from ..formats import visible

_TEXT, _MUTED, _LINE = "var(--text)", "var(--muted)", "var(--line)"
_CONFIG = {
    "background": "transparent",
    "font": "Liberation Sans, Arial, Helvetica, sans-serif",
    "aria": False,
    "view": {"stroke": None},
    "axis": {
        "labelColor": _MUTED, "titleColor": _MUTED, "titleFontWeight": "normal", "titleFontSize": 12,
        "labelFontSize": 11, "labelSeparation": 6, "gridColor": _LINE, "domainColor": _MUTED, "tickColor": _MUTED,
    },
    "header": {"labelColor": _TEXT, "labelFontWeight": "bold", "labelFontSize": 12, "title": None},
    "legend": {"labelColor": _TEXT, "titleColor": _MUTED, "titleFontWeight": "normal", "orient": "bottom",
               "columns": 4, "labelFontSize": 11, "labelLimit": 220, "columnPadding": 36, "symbolStrokeWidth": 2},
    "text": {"color": _TEXT, "fontSize": 11},
}  # fmt: skip

QUANTITY_LABELS: dict[str, Any] = {
    "format": "~s",
    "labelExpr": "datum.value < 1 && datum.label ? format(datum.value, '~g') : datum.label",
}
"""Axis labels of quantities: 10k and 2M for large values, plain decimals below 1."""

COLORS = alt.Scale(range=[*(f"var(--family-{i})" for i in range(8)), _TEXT, _MUTED])
"""The page's colors, for marks that do not show a family."""

_ARIA = re.compile(r'\s(?:role|aria-[a-z]+)="[^"]*"')
"""Vega's descriptions of single marks. The page describes the drawing as a whole."""


@dataclass(frozen=True)
class Chart:
    """A chart before it is drawn.

    Attributes
    ----------
    id
        Its id on the page and in the name of its file.
    note
        Explanation under the title.
    spec
        Vega-Lite specification from `specification`, with data sets from `named`.
    rows
        Rows by data set. They are separate because Altair would copy and validate them several times.
    wide
        Whether the chart takes the full width of the page.
    first
        Field values of the rows in the static drawing, if the interactive chart offers a choice of rows.
    """

    id: str
    title: str
    note: str
    spec: Mapping[str, Any]
    rows: Mapping[str, Sequence[Mapping[str, Any]]]
    wide: bool = False
    first: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Drawing:
    """A drawn chart; `script` is the path, and `source` the text, of the file that makes it interactive."""

    id: str
    title: str
    note: str
    wide: bool
    svg: Markup
    script: str
    source: str


def draw(chart: Chart, page: str) -> Drawing:
    """Return the drawing of a chart; the name of the page makes the name of its file unique."""
    rows = {name: [_visible(row) for row in own] for name, own in chart.rows.items()}
    first = {name: [row for row in own if chart.first.items() <= row.items()] for name, own in rows.items()}
    svg = vl_convert.vegalite_to_svg({**chart.spec, "datasets": first}, vl_version=vega_lite_version())
    spec = {**chart.spec, "datasets": rows}
    stem = page.removesuffix(".html").replace("/", "-")
    source = f"archarenaChart({json.dumps(chart.id)}, {json.dumps(spec, separators=(',', ':'))});\n"
    script = f"charts/{stem}-{chart.id}.js"
    return Drawing(chart.id, chart.title, chart.note, chart.wide, Markup(_ARIA.sub("", svg)), script, source)


def _visible(row: Mapping[str, Any]) -> dict[str, Any]:
    return {name: visible(value) for name, value in row.items()}


def specification(body: Any) -> dict[str, Any]:
    """Return an Altair chart in the common style, as Vega-Lite."""
    return body.configure(**_CONFIG).to_dict()


def named(name: str) -> alt.NamedData:
    """Return a reference to the rows of a data set of the chart."""
    return alt.NamedData(name=name)


def by_family(families: Iterable[str], colors: Mapping[str, str]) -> alt.Color:
    """Return the color encoding by family, with the colors of the tables."""
    families = sorted(set(families))
    values = [f"var(--{colors.get(name) or 'family-other'})" for name in families]
    scale = alt.Scale(domain=[visible(name) for name in families], range=values)
    return alt.Color("family:N", scale=scale, title=None)


def vega_lite_version() -> str:
    """Return the Vega-Lite version of Altair's specifications."""
    return ".".join(alt.SCHEMA_VERSION.lstrip("v").split(".")[:2])


def chart_library() -> str:
    """Return the script with Vega, Vega-Lite and Vega-Embed. Bundling takes seconds, so the script is cached."""
    name = f"vega-{vl_convert.get_vega_version()}-vl{vega_lite_version()}-embed{vl_convert.get_vega_embed_version()}.js"
    cached = cache_folder("charts") / name
    if cached.is_file():
        return cached.read_text(encoding="utf-8")
    script = vl_convert.javascript_bundle("window.vegaEmbed = vegaEmbed;", vl_version=vega_lite_version())
    try:
        write_atomically(cached, script.encode())
    except UserError:
        return script  # without a writable cache, the next build bundles again
    return script
