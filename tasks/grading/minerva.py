r"""Minerva's grader: string equality after the edits that its authors list (Lewkowycz et al. 2022, appendix D).

The published 4-shot scores use it. Like MATH's own comparison, it is crude: ``1,2`` and ``12`` are the same.
"""

from __future__ import annotations

import re

_RENAMED = {
    "an ": "",
    "a ": "",
    ".$": "$",
    r"\$": "",
    "\\ ": "",
    " ": "",
    "mbox": "text",
    r",\text{and}": ",",
    r"\text{and}": ",",
    r"\text{m}": r"\text{}",
}
_DELETED_WORDS = (
    *(
        "square",
        "ways",
        "integers",
        "dollars",
        "mph",
        "inches",
        "ft",
        "hours",
        "km",
        "units",
        r"\ldots",
        "sue",
        "points",
    ),
    *("feet", "minutes", "digits", "cents", "degrees", "cm", "gm", "pounds", "meters", "meals", "edges", "students"),
    *("childrentickets", "multiples"),
)
_DELETED_MARKS = (
    *(r"\text{s}", r"\text{.}", "\\text{\ns}", r"\text{}^2", r"\text{}^3", "\\text{\n}", r"\text{}", r"\mathrm{th}"),
    *(r"^\circ", r"^{\circ}", r"\;", r",\!", "{,}", '"', r"\dots"),
)
_UNWRAPPED = (r"\\text\{(.*?)\}", r"\\textbf\{(.*?)\}", r"\\overline\{(.*?)\}", r"\\boxed\{(.*)\}")


def minerva_equal(gold: str, answer: str) -> bool:
    """Return whether two answers are the same string after Minerva's normalization."""
    return minerva_form(gold) == minerva_form(answer)


def minerva_form(text: str) -> str:
    """Apply the published edits in their published order."""
    text = text.split("=")[-1]
    for old, new in _RENAMED.items():
        text = text.replace(old, new)
    for part in (*_DELETED_WORDS, *_DELETED_MARKS):
        text = text.replace(part, "")
    text = re.sub(r".*?\$(.*?)\$.*", r"$\1$", text)
    for pattern in _UNWRAPPED:
        text = re.sub(pattern, r"\1", text)
    text = re.sub(r"frac([^{])(.)", r"frac{\1}{\2}", text)
    text = re.sub(r"sqrt([^{])", r"sqrt{\1}", text).replace("$", "")
    return text.replace(",", "") if text.replace(",", "").isdigit() else text
