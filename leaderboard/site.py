"""All that the pages of one site share: the tidy table, and what is worked out from it once."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import pandas as pd

from ..harness.records.record import Record
from .board import family_colours, sections
from .links import Links
from .published_results import read_published
from .rows import Row
from .sources import Sources
from .table import SECTION, make_table, rows_of, section_of
from .views import RowView, SectionView


@dataclass(frozen=True)
class Site:
    """The tidy table, its sections, and where each page lies.

    Attributes
    ----------
    notes
        What a reader must know of the records.
    """

    sources: Sources
    table: pd.DataFrame
    links: Links
    sections: tuple[SectionView, ...]
    notes: tuple[str, ...]

    @cached_property
    def rows(self) -> list[Row]:
        """Return the rows of the tidy table."""
        return rows_of(self.table)

    @cached_property
    def scores(self) -> list[Row]:
        """Return the rows that are scores, one a (cell, column)."""
        return [row for row in self.rows if row["kind"] == "score"]

    @cached_property
    def cells(self) -> list[Row]:
        """Return one row a cell."""
        return list({row["key"]: row for row in self.scores}.values())

    @cached_property
    def run_pages(self) -> Mapping[str, str]:
        """Return the page of each run by its key."""
        return {cell["key"]: cell["page"] for cell in self.cells}

    @cached_property
    def records(self) -> list[Record]:
        """Return the records that are shown, in the order of the table."""
        by_key = {record.key: record for record in self.sources.records}
        return [by_key[cell["key"]] for cell in self.cells]

    def records_of(self, section: SectionView, task: str) -> list[Record]:
        """Return the records of one task in one section."""
        return self._records_by_place.get((*(getattr(section, name) for name in SECTION), task), [])

    @cached_property
    def _records_by_place(self) -> Mapping[tuple, list[Record]]:
        found: dict[tuple, list[Record]] = defaultdict(list)
        for record in self.records:
            found[*section_of(record).values(), record.cell.task].append(record)
        return found

    @cached_property
    def families(self) -> Mapping[str, str]:
        """Return the family of each model."""
        return {cell["model"]: cell["family"] for cell in self.cells}

    @cached_property
    def colours(self) -> Mapping[str, str]:
        """Return the style class of each family."""
        return family_colours(self.families.values())

    def rows_of_model(self, model: str) -> list[tuple[SectionView, list[RowView]]]:
        """Return a model's variants, by section."""
        found = [(section, [row for row in section.rows if row.model.name == model]) for section in self.sections]
        return [(section, rows) for section, rows in found if rows]


def make_site(sources: Sources) -> Site:
    """Work out everything that the pages show."""
    table, notes = make_table(sources, read_published())
    cells = [record.cell for record in sources.records]
    links = Links.of((cell.model for cell in cells), (cell.task for cell in cells))
    return Site(sources, table, links, tuple(sections(table, sources, links)), (*sources.notes, *notes))
