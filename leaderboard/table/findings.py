"""Findings of a section as sentences, each made from its statistics and linked to its evidence."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from statistics import fmean

from ..formats import duration
from .columns import ColumnView
from .costs import typical
from .rows import Row, group_by
from .scales import column_scale
from .sections import RowView, SectionView
from .statistics import Verdict

MOST_NAMES = 3
"""Longer lists of names are counted instead."""
MOST_LEADERS = 3
"""Number of sentences about leaders of suites."""


@dataclass(frozen=True)
class Part:
    """A piece of a sentence; `link` is a path from the root of the site, or empty."""

    text: str
    link: str = ""
    strong: bool = False


Finding = tuple[Part, ...]


@dataclass(frozen=True)
class Lead:
    """The leading row of a suite by its mean normalized score.

    Attributes
    ----------
    tied, undecided
        Rows that are not shown to be behind on any task: those with less than the margin between them, and the others.
    compared
        Whether a comparison holds for training again.
    """

    suite: str
    columns: tuple[ColumnView, ...]
    row: RowView
    tied: tuple[str, ...]
    undecided: tuple[str, ...]
    compared: bool


def findings(section: SectionView, cells: Sequence[Row]) -> list[Finding]:
    """Return the findings of a section; `cells` are its rows of kind "score"."""
    if not section.compares or len(section.rows) < 2:
        return [_finished(section)]
    return [
        *_leaders(section),
        *_cost(section, cells),
        _finished(section),
        *_improving(section),
        *_unlearned(section),
    ]


def leads(section: SectionView) -> Iterator[Lead]:
    """Yield the leader of each suite that has a task on which a model beats the reference score."""
    suites = dict.fromkeys(column.group for column in section.first_columns.values())
    for suite in suites:
        columns = {
            i: column for i, column in section.first_columns.items() if column.group == suite and learned(column)
        }
        if columns:
            yield _lead(suite, section, columns)


def learned(column: ColumnView) -> bool:
    """Return whether at least one row beats all reference scores of a column."""
    return any(cell.value is not None and not cell.not_beaten for cell in column.cells.values())


def _lead(suite: str, section: SectionView, columns: dict[int, ColumnView]) -> Lead:
    def standing(row: RowView) -> tuple[int, float]:
        return sum(row.cells[i].value is not None for i in columns), _mean(row, columns)

    first = max(section.rows, key=standing)
    verdicts: dict[str, list[Verdict]] = {}
    for column in columns.values():
        names = column.comparisons.names if column.comparisons else ()
        if column.comparisons and first.variant in names:
            found = column.comparisons.verdicts(names.index(first.variant))
            for name, verdict in zip(names, found, strict=True):
                verdicts.setdefault(name, []).append(verdict)
    others = [row.variant for row in section.rows if row is not first and any(row.cells[i].value for i in columns)]
    open_ = [name for name in others if Verdict.WORSE not in verdicts.get(name, ())]
    tied = tuple(name for name in open_ if set(verdicts.get(name, ())) == {Verdict.TIED})
    again = {Verdict.WORSE, Verdict.BETTER, Verdict.TIED}
    compared = any(again & set(found) for name, found in verdicts.items() if name != first.variant)
    return Lead(suite, tuple(columns.values()), first, tied, tuple(n for n in open_ if n not in tied), compared)


def _mean(row: RowView, columns: dict[int, ColumnView]) -> float:
    """Return the mean score over the columns, normalized where a column has a scale."""
    values = []
    for index, column in columns.items():
        value, scale = row.cells[index].value, column_scale(column)
        if value is not None:
            values.append(scale(value) if scale else column.sign * value)
    return fmean(values) if values else float("-inf")


def _leaders(section: SectionView) -> Iterator[Finding]:
    """Yield a sentence per leader, with all suites that it leads; those who lead most suites come first."""
    by_row: dict[str, list[Lead]] = {}
    for lead in leads(section):
        by_row.setdefault(lead.row.variant, []).append(lead)
    for own in sorted(by_row.values(), key=len, reverse=True)[:MOST_LEADERS]:
        parts = [
            Part(own[0].row.variant, own[0].row.page, strong=True),
            Part(" leads " if own[0].compared else " has the best mean on "),
        ]
        for number, lead in enumerate(own):
            joint = "" if not number else " and " if number == len(own) - 1 else ", "
            page = lead.columns[0].page if len(lead.columns) == 1 else f"#{section.id}-scores"
            name = lead.columns[0].name if len(lead.columns) == 1 else lead.suite
            parts += [Part(joint), Part(name, page), Part(f" ({_certainty(lead, section)})")]
        yield (*parts, Part("."))


def _certainty(lead: Lead, section: SectionView) -> str:
    if not lead.compared:
        return "too few seeds to tell"
    if not lead.tied and not lead.undecided:
        return "ahead of all others"
    groups = (("tied with", lead.tied), ("undecided against", lead.undecided))
    return ", ".join(f"{words} {_some(names, section)}" for words, names in groups if names)


def _some(names: Sequence[str], section: SectionView) -> str:
    """Return a short list of names, or their number."""
    others = len(section.rows) - 1
    if len(names) == others > 1:
        return f"all {others} others"
    return _listed(names) if len(names) <= MOST_NAMES else f"{len(names)} of {others} others"


def _cost(section: SectionView, cells: Sequence[Row]) -> Iterator[Finding]:
    """Yield what the first row costs, next to the cheapest row."""
    by_variant = group_by([cell for cell in cells if cell["status"] == "ok"], "variant")
    seconds = {name: found for (name,), own in by_variant.items() if (found := typical(own, "train_seconds"))}
    first = section.rows[0]
    if first.variant not in seconds or len(seconds) < 2:
        return
    own, cheapest = seconds[first.variant], min(seconds, key=lambda name: seconds[name])
    link = f"#{section.id}-costs"
    parts = [
        Part(first.variant, first.page, strong=True),
        Part(f", first by mean rank, trains for {duration(own)} per task"),
    ]
    if cheapest == first.variant:
        second = sorted(seconds.values())[1]
        rest = f"; the next takes {second / own:.2g} times as long." if second > 1.05 * own else "."
        yield (*parts, Part(", "), Part("no longer than any other", link), Part(rest))
    else:
        ratio = own / seconds[cheapest]
        yield (*parts, Part(", "), Part(f"{ratio:.2g} times as long", link), Part(f" as the cheapest, {cheapest}."))


def _finished(section: SectionView) -> Finding:
    if not section.unfinished:
        return (Part(f"All {section.total} cells finished."),)
    by_status = group_by(section.unfinished, "status")
    counts = _listed([f"{len(own)} {status}" for (status,), own in by_status.items()])
    missing = Part(f"{len(section.unfinished)} of {section.total} cells", f"#{section.id}-unfinished")
    return missing, Part(f" did not finish: {counts}.")


def _improving(section: SectionView) -> Iterator[Finding]:
    """Yield the columns that were scored before their leader had stopped improving."""
    columns = [column for column in section.first_columns.values() if column.after_steps]
    if columns:
        yield (Part("Training ended while the leader was still improving on "), *_columns(columns, section), Part("."))


def _columns(columns: Sequence[ColumnView], section: SectionView) -> Iterator[Part]:
    """Yield a list of columns, or their number if there are many."""
    if len(columns) > 2 * MOST_NAMES:
        yield Part(f"{len(columns)} of {len(section.first_columns)} tasks", f"#{section.id}-scores")
        return
    for number, column in enumerate(columns):
        joint = "" if not number else " and " if number == len(columns) - 1 else ", "
        yield from (Part(joint), Part(column.name, column.page))


def _unlearned(section: SectionView) -> Iterator[Finding]:
    columns = [
        column
        for column in section.first_columns.values()
        if column.references("chance") or column.references("baseline")
    ]
    missed = [column for column in columns if not learned(column)]
    if not missed:
        return
    yield (Part("No model beats the reference score on "), *_columns(missed, section), Part("."))


def _listed(names: Sequence[str]) -> str:
    return " and ".join(filter(None, (", ".join(names[:-1]), names[-1])))
