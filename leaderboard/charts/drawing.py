"""One look for all charts, and what a page needs of each: a drawing, and a file that makes it live.

Colours are the page's own custom properties, so that a chart follows light, dark and print.
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
"""Labels of an axis of costs: thousands and millions as 10k and 2M, fractions of a second as they are."""

COLOURS = alt.Scale(range=[*(f"var(--family-{i})" for i in range(8)), _TEXT, _MUTED])
"""The page's colours, where they tell no family."""

_ARIA = re.compile(r'\s(?:role|aria-[a-z]+)="[^"]*"')
"""What Vega says of single marks; the page describes the drawing as a whole."""


@dataclass(frozen=True)
class Chart:
    """A chart before it is drawn.

    Attributes
    ----------
    id
        Its name on the page and that of its file.
    note
        What a reader must know to read it.
    spec
        What is drawn, as `specification` returns it, from rows that it names as `named` does.
    rows
        These rows; kept apart, since Altair would copy and check them several times.
    wide
        Whether it takes the width of the page.
    first
        What the drawing shows of rows between which a reader chooses, by field; empty where there is no choice.
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
    """A chart as the page has it; `script` is the file that makes it live, of which `source` is the text."""

    id: str
    title: str
    note: str
    wide: bool
    svg: Markup
    script: str
    source: str


def draw(chart: Chart, page: str) -> Drawing:
    """Return a chart drawn, for a page whose stem makes the name of its file unique."""
    rows = {name: [_shown(row) for row in own] for name, own in chart.rows.items()}
    first = {name: [row for row in own if chart.first.items() <= row.items()] for name, own in rows.items()}
    drawn = vl_convert.vegalite_to_svg({**chart.spec, "datasets": first}, vl_version=vega_lite_version())
    svg = _ARIA.sub("", drawn)
    spec = {**chart.spec, "datasets": rows}
    stem = page.removesuffix(".html").replace("/", "-")
    source = f"archarenaChart({json.dumps(chart.id)}, {json.dumps(spec, separators=(',', ':'))});\n"
    return Drawing(chart.id, chart.title, chart.note, chart.wide, Markup(svg), f"charts/{stem}-{chart.id}.js", source)


def specification(body: Any) -> dict[str, Any]:
    """Return a chart of Altair's in the look of all charts, as Vega-Lite."""
    return body.configure(**_CONFIG).to_dict()


def named(name: str) -> alt.NamedData:
    """Return the rows that a chart holds under a name, as data of a part of it."""
    return alt.NamedData(name=name)


def _shown(row: Mapping[str, Any]) -> dict[str, Any]:
    """Return a row whose texts are as a page shows them."""
    return {name: visible(value) for name, value in row.items()}


def vega_lite_version() -> str:
    """Return the release of Vega-Lite that Altair writes for."""
    return ".".join(alt.SCHEMA_VERSION.lstrip("v").split(".")[:2])


def by_family(families: Iterable[str], colours: Mapping[str, str]) -> alt.Color:
    """Return the colour of a mark by its family, the same as in the tables."""
    families = sorted(set(families))
    values = [f"var(--{colours.get(name) or 'family-other'})" for name in families]
    scale = alt.Scale(domain=[visible(name) for name in families], range=values)
    return alt.Color("family:N", scale=scale, title=None)
