"""Which charts stand on the index and on a task's page."""

from __future__ import annotations

from collections.abc import Iterator

from .board import family_colours
from .charts.drawing import Chart
from .charts.learning import learning_chart
from .charts.quality import quality_chart
from .charts.ranking import ranking_chart
from .charts.state import state_chart
from .charts.trade_off import trade_off_chart
from .site import Site
from .table import SECTION
from .views import SectionView


def section_charts(section: SectionView, site: Site) -> Iterator[Chart]:
    """Yield the charts of one section that its results allow."""
    colours = family_colours(row["family"] for row in site.scores)
    place = {name: getattr(section, name) for name in SECTION}
    scores = [row for row in site.scores if all(row[name] == value for name, value in place.items())]
    charts = (
        quality_chart(section, scores, colours),
        ranking_chart(section),
        state_chart(f"{section.id}-state", scores, colours),
        trade_off_chart(f"{section.id}-trade-off", site.records_of(section), _families(site), colours),
    )
    yield from filter(None, charts)


def task_charts(task: str, site: Site) -> Iterator[Chart]:
    """Yield the learning curves of a task, section by section."""
    colours = family_colours(row["family"] for row in site.scores)
    for section in site.sections:
        own = [record for record in site.records_of(section) if record.cell.task == task]
        label = next((column.format.label for column in section.columns if column.task.task == task), "")
        chart = learning_chart(f"{section.id}-curves", own, _families(site), colours, label)
        if chart:
            yield chart


def _families(site: Site) -> dict[str, str]:
    """Return the family of each model."""
    return {row["model"]: row["family"] for row in site.scores}
