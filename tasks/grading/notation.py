r"""Rewrite an answer in one notation: no units, no separators of thousands, and plain letters for ``\mathrm{i}``."""

from __future__ import annotations

import re

_MARKS = (
    (r"(?<=\d)\s*(?:,\s*\\!|\{\s*,\s*\})\s*(?=\d{3}(?!\d))", ""),
    (r"\\\\", r"\\cr "),
    (r"\\[dtc]frac", r"\\frac"),
    (r"\\(?:left|right|big|Big|bigg|Bigg)(?![A-Za-z])", ""),
    (r"\\quad(?=[A-Za-z])|\\[!,;: ]|~|\\q?quad(?![A-Za-z])", " "),
    (r"\\displaystyle(?![A-Za-z])|\\?[$%]|[€£]", ""),
    (r"\\(?:text|textrm|mathrm)\s*\{\s*([ei])\s*\}", r" \1"),
    (r"\\(?:mathbf|mathit|boldsymbol|bm)\s*(?:\{\s*([A-Za-z])\s*\}|\s([A-Za-z])(?![A-Za-z]))", r" \1\2"),
    (r"\\(?:text|mbox|textrm)\s*\{\s*,?\s*(?:or|and)\s*\}", ","),
    (r"(?<=[\d)}$])\s*,?\s*(?:and|or)(?![a-z])", ","),
    (r",(?:\s*,)+", ","),
    (r"[\s.,]+$", ""),
)
_ESCAPED = re.compile(r"\\(?=\\[A-Za-z]{2})")
"""The first of two backslashes before a command, which do not end a line outside of a matrix."""

_WORDS = re.compile(
    r"\\(?:text|textnormal|mbox|textbf|textrm|textit|mathrm|mathbf)\s*\{([^{}]*)\}(?:\s*\^\s*(?:\d|\{\d\}))?"
)
_MAGNITUDES = re.compile(r"\b(?:hundred|thousand|million|billion|trillion|dozen|half|halves)s?\b")
_THOUSANDS = re.compile(r"(?<![\d.,(\[{])[1-9]\d{0,2}(?:,\d{3})+(?!\d|,|\s*(?:[)\]}]|\\\}))")
_GROUPED = re.compile(r"-?\d{1,3}(?: \d{3})+(?:\.\d+)?")
_MIXED = re.compile(r"(\d+)\s+(\d+)\s*/\s*(\d+)")

_SHORT_UNITS = r"[cmk]m|[km]g|ft|mph|lbs?|sec|min|hrs?|oz|yd|pct|sq"
_TAIL = re.compile(
    rf"(?P<rest>.*?[\w)}}\]])(?P<unit>\s*(?:{_SHORT_UNITS}|m(?=[²³])|percent(?:age)?|degrees?|dollars?|cents?|inch(?:es)?"
    r"|feet|(?:\s(?:[a-z]{4,}|in|mi|per|of|[cmk]m|ft|sq))+))(?:\s*\^\s*(?:\d|\{\d\})|[²³])?[\s.]*",
    re.DOTALL,
)
_NO_UNIT = re.compile(
    r"\b(?:and|or|if|for|when|where|with|plus|minus|times|over|base|mod|equals?|less|more|than|then|true|false|"
    r"squared|cubed|root|sqrt|infinity|negative|none|only)\b"
)


def plain(answer: str) -> str:
    r"""Return an answer without units and layout, with commas for "and" and "or", and ``\cr`` at the end of lines."""
    if r"\begin" not in answer:
        answer = _ESCAPED.sub("", answer)
    for pattern, replacement in _MARKS:
        answer = re.sub(pattern, replacement, answer)
    answer = _without_unit(_without_words(answer).strip())
    answer = _MIXED.sub(r"\1\\frac{\2}{\3}", _THOUSANDS.sub(lambda number: number[0].replace(",", ""), answer))
    if re.fullmatch(r"[-\d.,\s]+", answer):
        answer = answer.replace(" ", "") if _GROUPED.fullmatch(answer) else re.sub(r"(?<=\d)\s+(?=\d)", ", ", answer)
    return answer


def _without_words(text: str) -> str:
    """Drop words next to formulas (mostly units); keep magnitudes, and answers that are only words."""
    if _MAGNITUDES.search(text):
        return _WORDS.sub(r"\1", text)
    rest = _WORDS.sub(" ", text)
    if re.search(r"\w", rest):
        return rest
    return re.sub(r"[\s().]", "", _WORDS.sub(r"\1", text)).lower()


def _without_unit(text: str) -> str:
    """Drop a unit without markup, as in ``12 cm`` and ``5 square inches``, after a formula that has no words."""
    tail = _TAIL.fullmatch(text)
    if tail is None or _NO_UNIT.search(tail["unit"]) or _MAGNITUDES.search(tail["unit"]):
        return text
    formula = re.sub(r"\\[A-Za-z]+", "", tail["rest"])
    if not re.search(r"\d|\\pi", tail["rest"]) or re.search(r"[A-Za-z]{2}", formula):
        return text
    return tail["rest"]
