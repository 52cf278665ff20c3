"""Sample test rows on a task's page, each with its answer and what every model predicted."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Any

from ...harness.records.record import Record
from ...harness.records.samples import SampleCard, SampleRow
from ..table.sections import SectionView
from .sample_rows import Picture, picture
from .site import Site

SHOWN = 3
"""Number of rows on a page."""
NOTES = {"NextToken": "bits per scored token, mean over seeds", "Binary": "probability of 1, mean over seeds"}
"""What the numbers are that models answer, by the kind of the task's outputs."""


@dataclass(frozen=True)
class Answer:
    """What the runs of one variant answered: the most frequent answer and how many runs gave it.

    Attributes
    ----------
    parts
        The answer: one text, or one per scored position, each with whether it is right (None if that is no question).
    choice
        The decision that the answer stands for: two probabilities on the same side of 0.5 are the same choice.
    """

    variant: str
    color: str
    parts: tuple[tuple[str, bool | None], ...]
    choice: str
    agreed: int
    runs: int

    @property
    def right(self) -> bool:
        return all(right is not False for _, right in self.parts)


@dataclass(frozen=True)
class SampleView:
    """One test row; `heads` are the scored tokens if there are several answers, and `note` says what answers are."""

    row: int
    picture: Picture
    target: str
    heads: tuple[str, ...]
    answers: tuple[Answer, ...]
    note: str = ""

    @property
    def distinct(self) -> int:
        """Return the number of different answers."""
        return len({answer.choice for answer in self.answers})


def sample_views(task: str, site: Site) -> tuple[SectionView, tuple[SampleView, ...]] | None:
    """Return rows on which the models of a section disagree most, or None if the task shows none.

    The section is the first one whose runs answered sample rows.
    """
    for section in site.sections:
        views = task_samples(task, section, site)
        if views:
            ordered = sorted(
                views, key=lambda view: (-view.distinct, -sum(not answer.right for answer in view.answers), view.row)
            )
            return section, tuple(ordered[:SHOWN])
    return None


def task_samples(task: str, section: SectionView, site: Site) -> list[SampleView]:
    """Return the sample rows of a task with the answers of a section's runs; none if no run answered them."""
    card = site.results.samples.get((task, section.tier))
    records = [record for record in site.records_of(section, task) if record.sampled]
    if card is None or not records:
        return []
    kind = str(site.results.task(records[0]).spec.get("outputs", {}).get("kind", ""))
    return [_view(card, number, kind, records, section) for number in range(len(card.rows))]


def answer_by(view: SampleView, variant: str) -> Answer | None:
    """Return the answer of one variant."""
    return next((answer for answer in view.answers if answer.variant == variant), None)


def _view(card: SampleCard, number: int, kind: str, records: Sequence[Record], section: SectionView) -> SampleView:
    row = card.rows[number]
    by_variant: dict[str, list[Any]] = {}
    for record in records:
        if number < len(record.sampled):
            by_variant.setdefault(record.cell.variant, []).append(record.sampled[number])
    answers = tuple(
        answer_of(view.variant, view.color, by_variant[view.variant], row, kind)
        for view in section.rows
        if view.variant in by_variant
    )
    heads = tuple(_head(row, position, card) for position in row.positions)
    return SampleView(row.row, picture(card, row), target_of(row, kind), heads, answers, NOTES.get(kind, ""))


def answer_of(variant: str, color: str, found: Sequence[Any], row: SampleRow, kind: str) -> Answer:
    """Return the most frequent of the answers of some runs; answers and targets may be any JSON values."""
    if kind == "PerPosition":
        answers = Counter(tuple(map(str, one)) for one in found if isinstance(one, list))
        most, agreed = answers.most_common(1)[0] if answers else ((), 0)
        targets = [str(one) for one in row.target] if isinstance(row.target, list) else []
        parts = tuple((one, one == target) for one, target in zip(most, targets, strict=False))
        return Answer(variant, color, parts, " ".join(most), agreed, len(found))
    if kind == "Classes":
        most, agreed = Counter(map(str, found)).most_common(1)[0]
        return Answer(variant, color, ((most, most == str(row.target)),), most, agreed, len(found))
    numbers = [float(one) for one in _flat(found) if isinstance(one, int | float)]
    if not numbers:
        return Answer(variant, color, (("–", None),), "", 0, len(found))
    mean = fmean(numbers)
    if kind == "Binary" and isinstance(row.target, int | float):
        yes = mean > 0.5
        agreed = sum((number > 0.5) == yes for number in numbers)
        return Answer(variant, color, ((f"{mean:.2f}", yes == (row.target > 0.5)),), str(yes), agreed, len(found))
    return Answer(variant, color, ((f"{mean:.3g}", None),), f"{mean:.3g}", len(found), len(found))


def _flat(found: Sequence[Any]) -> list[Any]:
    return [one for entry in found for one in (entry if isinstance(entry, list) else [entry])]


def target_of(row: SampleRow, kind: str) -> str:
    """Return the target of a row as text, with spaces between those of several positions."""
    if kind == "NextToken":
        return ""
    if isinstance(row.target, list):
        return " ".join(map(_number, row.target))
    return _number(row.target)


def _number(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def _head(row: SampleRow, position: int, card: SampleCard) -> str:
    tokens = row.inputs.get("tokens")
    if isinstance(tokens, list) and position < len(tokens):
        return _named(card, tokens[position])
    return str(position)


def _named(card: SampleCard, token: Any) -> str:
    """Return the name of a token, or its id as text."""
    text = str(token)
    return card.names[int(text)] if text.isdecimal() and int(text) < len(card.names) else text
