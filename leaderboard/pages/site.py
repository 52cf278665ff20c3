"""The site: what its pages share."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from ...harness.records.record import Record
from ..links import Links
from ..read.published_values import read_published
from ..read.results import Results
from ..table.rows import SECTION, Row, group_by
from ..table.sections import RowView, SectionView, family_colors, sections
from ..table.tidy import make_table


@dataclass(frozen=True)
class Site:
    """The tidy table, its sections and the paths of the pages.

    Attributes
    ----------
    notes
        Notes on the records for the reader, such as conflicts between result folders.
    """

    results: Results
    table: list[Row]
    links: Links
    sections: tuple[SectionView, ...]
    notes: tuple[str, ...]

    @cached_property
    def scores(self) -> list[Row]:
        """Return the rows of kind "score", one per cell and column."""
        return [row for row in self.table if row["kind"] == "score"]

    @cached_property
    def run_pages(self) -> Mapping[str, str]:
        """Return the page of each run by its key."""
        return {row["key"]: row["page"] for row in self.scores}

    @cached_property
    def records(self) -> list[Record]:
        """Return the records in the table, in its order."""
        by_key = {record.key: record for record in self.results.records}
        return [by_key[key] for key in self.run_pages]

    def scores_of(self, section: SectionView) -> list[Row]:
        """Return the rows of kind "score" of one section."""
        return self._scores_by_section.get(tuple(getattr(section, name) for name in SECTION), [])

    @cached_property
    def _scores_by_section(self) -> Mapping[tuple, list[Row]]:
        return group_by(self.scores, *SECTION)

    def earlier(self, record: Record) -> list[Record]:
        """Return the results of the same cell that are older and not shown, oldest first."""
        own = self._records_by_cell[_cell(record)]
        return sorted((one for one in own if one.key not in self.run_pages), key=lambda one: one.order)

    @cached_property
    def _records_by_cell(self) -> Mapping[tuple, list[Record]]:
        found: dict[tuple, list[Record]] = defaultdict(list)
        for record in self.results.records:
            found[_cell(record)].append(record)
        return found

    def records_of(self, section: SectionView, task: str) -> list[Record]:
        """Return the records of one task in one section."""
        return self._records_by_place.get((*(getattr(section, name) for name in SECTION), task), [])

    @cached_property
    def _records_by_place(self) -> Mapping[tuple, list[Record]]:
        found: dict[tuple, list[Record]] = defaultdict(list)
        places = {row["key"]: tuple(row[name] for name in SECTION) for row in self.scores}
        for record in self.records:
            found[*places[record.key], record.cell.task].append(record)
        return found

    @cached_property
    def families(self) -> Mapping[str, str]:
        """Return the family of each model."""
        return {row["model"]: row["family"] for row in self.scores}

    @cached_property
    def colors(self) -> Mapping[str, str]:
        """Return the style class of each family."""
        return family_colors(self.families.values())

    def color_of(self, model: str) -> str:
        """Return the style class of a model's family."""
        return self.colors.get(self.families.get(model, ""), "family-other")

    def rows_of_model(self, model: str) -> list[tuple[SectionView, list[RowView]]]:
        """Return the variants of a model by section."""
        found = [(section, [row for row in section.rows if row.model.name == model]) for section in self.sections]
        return [(section, rows) for section, rows in found if rows]


def _cell(record: Record) -> tuple[str, str, str, str, int]:
    cell = record.cell
    return cell.variant, cell.task, cell.tier, cell.recipe, cell.seed


def make_site(results: Results) -> Site:
    """Return the site of the results: its table, sections and links."""
    table = make_table(results, read_published())
    cells = [record.cell for record in results.records]
    links = Links.of((cell.model for cell in cells), (cell.task for cell in cells))
    found = tuple(sections(table.rows, results, links, table.comparisons))
    return Site(results, table.rows, links, found, (*results.notes, *table.notes))
