"""A test row drawn as what it is: tokens, a tree, pixels, a table of fields, a text or a formula."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from ...harness.records.samples import SampleCard, SampleRow

MOST_TOKENS = 320
"""Longer rows are cut."""
HUES = 8
"""Number of colors of tokens."""
LEVELS = 9
"""Levels of gray of a picture."""
MOST_NODES = 90
"""A larger tree is shown as tokens."""


@dataclass(frozen=True)
class Chip:
    """A token. `hue` is a number of a color or None; `asked` says whether its output is scored."""

    text: str
    hue: int | None = None
    asked: bool = False


@dataclass(frozen=True)
class Node:
    """A node of a drawn tree, with the line to its parent as an SVG path."""

    x: float
    y: float
    text: str
    path: str
    is_operator: bool


@dataclass(frozen=True)
class Picture:
    """The contents of a drawing; only the fields of its `kind` are set.

    Attributes
    ----------
    paths
        One SVG path per level of gray, from dark to light.
    """

    kind: str
    chips: tuple[Chip, ...] = ()
    cut: int = 0
    nodes: tuple[Node, ...] = ()
    paths: tuple[tuple[int, str], ...] = ()
    fields: tuple[tuple[str, str], ...] = ()
    text: str = ""
    width: float = 0
    height: float = 0


def picture(card: SampleCard, row: SampleRow) -> Picture:
    """Return the drawing of a row. A row that does not fit its kind is shown as numbers."""
    try:
        drawn = _KINDS[card.shown_as](card, row)
    except (KeyError, IndexError, TypeError, ValueError):
        drawn = None
    return drawn or Picture("text", text=" ".join(map(str, _flat(row.inputs)[:MOST_TOKENS])))


def _flat(value: Any) -> list[Any]:
    if isinstance(value, dict):
        return [one for inner in value.values() for one in _flat(inner)]
    return [one for inner in value for one in _flat(inner)] if isinstance(value, list) else [value]


def _length(row: SampleRow, tokens: Sequence[int]) -> int:
    """Return the number of tokens without padding at the end."""
    given = row.inputs.get("lengths")
    return given if isinstance(given, int) and 0 < given <= len(tokens) else len(tokens)


def _tokens(card: SampleCard, row: SampleRow) -> Picture:
    tokens = row.inputs["tokens"]
    asked = set(row.positions)
    length = _length(row, tokens)
    while length > 1 and not tokens[length - 1] and length - 1 not in asked:
        length -= 1
    hues = _hues(tokens, row)
    chips = tuple(
        Chip("·" if token == 0 and not card.names else _name(card, token), hues.get(place), place in asked)
        for place, token in enumerate(tokens[: min(length, MOST_TOKENS)])
    )
    return Picture("tokens", chips, cut=max(0, length - MOST_TOKENS))


def _hues(tokens: Sequence[int], row: SampleRow) -> dict[int, int]:
    """Return a color per place: each queried token, the same token before it, and the answer that follows it there."""
    found: dict[int, int] = {}
    for number, (place, target) in enumerate(zip(row.positions, row.target, strict=False)):
        before = [at for at in range(place) if tokens[at] == tokens[place] and tokens[at + 1] == target]
        if before:
            for at in (place, before[-1], before[-1] + 1):
                found[at] = number % HUES
    return found


def _name(card: SampleCard, token: int) -> str:
    return card.names[token] if 0 <= token < len(card.names) else str(token)


def _tree(card: SampleCard, row: SampleRow) -> Picture:
    tokens = row.inputs["tokens"]
    words = [_name(card, token) for token in tokens[: _length(row, tokens)]]
    nodes = list(_laid_out(words)) if len(words) <= MOST_NODES else []
    if not nodes:
        return _tokens(card, row)
    width, height = max(node.x for node in nodes) + 14, max(node.y for node in nodes) + 14
    return Picture("tree", nodes=tuple(nodes), width=width, height=height)


def _laid_out(words: Sequence[str]) -> Iterator[Node]:
    """Yield the nodes of a prefix expression: leaves from left to right, operators above the middle of theirs."""
    open_: list[tuple[str, list[tuple[float, float]]]] = []
    next_x, done = 12.0, []
    for word in words:
        if word.startswith("["):
            open_.append((word[1:], []))
        elif word == "]":
            name, children = open_.pop()
            x, y = sum(at for at, _ in children) / len(children), 14 + 40.0 * len(open_)
            lines = "".join(f"M{x:.0f} {y + 8:.0f}L{cx:.0f} {cy - 9:.0f}" for cx, cy in children)
            done.append(Node(x, y, name, lines, is_operator=True))
            if open_:
                open_[-1][1].append((x, y))
        else:
            y = 14 + 40.0 * len(open_)
            done.append(Node(next_x, y, word, "", is_operator=False))
            open_[-1][1].append((next_x, y))
            next_x += 20
    yield from done


def _pixels(card: SampleCard, row: SampleRow) -> Picture:
    values = row.inputs.get("pixels", row.inputs.get("values", row.inputs.get("tokens")))
    flat = [float(value) for value in _flat(values)]
    side = round(len(flat) ** 0.5)
    if side * side != len(flat):
        raise ValueError("not a square picture")
    low, span = min(flat), max(flat) - min(flat) or 1.0
    levels = [round((value - low) / span * (LEVELS - 1)) for value in flat]
    paths: dict[int, list[str]] = {}
    for y in range(side):
        line, x = levels[y * side : (y + 1) * side], 0
        while x < side:
            end = x
            while end < side and line[end] == line[x]:
                end += 1
            if line[x]:
                paths.setdefault(line[x], []).append(f"M{x} {y}h{end - x}v1h{x - end}z")
            x = end
    return Picture(
        "pixels", paths=tuple((level, "".join(own)) for level, own in sorted(paths.items())), width=side, height=side
    )


def _fields(card: SampleCard, row: SampleRow) -> Picture:
    ids = row.inputs.get("ids", [])
    found = [
        (f"field {number + 1}", " ".join(str(one) for one in _flat(entry) if one)) for number, entry in enumerate(ids)
    ]
    found += [(f"number {number + 1}", f"{value:.4g}") for number, value in enumerate(row.inputs.get("dense") or [])]
    return Picture("fields", fields=tuple(found))


def _text(card: SampleCard, row: SampleRow) -> Picture:
    return Picture("text", text=_spelled(row))


def _spelled(row: SampleRow) -> str:
    tokens = row.inputs["tokens"]
    return bytes(token - 1 for token in tokens[: _length(row, tokens)] if 0 < token <= 256).decode(errors="replace")


def _problem(card: SampleCard, row: SampleRow) -> Picture:
    tokens = row.inputs["tokens"]
    text = (
        "".join(card.names[token] for token in tokens[: _length(row, tokens)] if token) if card.names else _spelled(row)
    )
    return Picture("problem", text=text.replace("\\boxed", ""))


_KINDS = {"tokens": _tokens, "tree": _tree, "pixels": _pixels, "fields": _fields, "text": _text, "problem": _problem}
