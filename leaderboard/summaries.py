"""Which charts stand on the index and on a task's page."""

from __future__ import annotations

from collections.abc import Iterator

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
    place = {name: getattr(section, name) for name in SECTION}
    scores = [row for row in site.scores if all(row[name] == value for name, value in place.items())]
    tasks = dict.fromkeys(column.task.task for column in section.columns if not column.is_average)
    records = [record for task in tasks for record in site.records_of(section, task)]
    charts = (
        quality_chart(section, scores, site.colours),
        ranking_chart(section),
        state_chart(f"{section.id}-state", scores, site.colours),
        trade_off_chart(f"{section.id}-trade-off", records, site.families, site.colours),
    )
    yield from filter(None, charts)


def task_charts(task: str, site: Site) -> Iterator[Chart]:
    """Yield the learning curves of a task, section by section."""
    for section in site.sections:
        own = site.records_of(section, task)
        write = next((column.format for column in section.columns if column.task.task == task), None)
        place = f"{section.tier} tier, {section.recipe} recipe, protocol {section.protocol}"
        chart = write and learning_chart(f"{section.id}-curves", place, own, site.families, site.colours, write)
        if chart:
            yield chart
