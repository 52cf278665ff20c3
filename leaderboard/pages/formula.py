"""Formulas of model cards and problems as MathML: ``h_t = exp(Δ_t A) h_{t-1}``."""

from __future__ import annotations

import re

from markupsafe import Markup, escape

from ..formats import visible

_TOKEN = re.compile(r"(\d+(?:\.\d+)?)|([^\W\d_]+)|([_^{}])|(\S)")
_KINDS = ("mn", "mi", "", "mo")
DEEPEST = 20
"""Levels of braces; what is deeper is left out."""


def formula(text: str) -> Markup:
    """Return a formula as MathML. Numbers, words and signs become elements, ``_`` and ``^`` apply to what follows.

    Braces group. Any text gives valid MathML: braces without a partner are ignored.
    """
    tokens = [(_KINDS[match.lastindex - 1], match[0]) for match in _TOKEN.finditer(text) if match.lastindex]
    parts, _ = _row(tokens, 0, 0)
    return Markup('<math display="block"><mrow>{}</mrow></math>').format(Markup("").join(parts))


Tokens = list[tuple[str, str]]


def _row(tokens: Tokens, at: int, depth: int) -> tuple[list[Markup], int]:
    """Return the elements up to the closing brace of this level, and the place after it."""
    found: list[Markup] = []
    while at < len(tokens):
        kind, text = tokens[at]
        if kind:
            found.append(_element(kind, text))
            at += 1
        elif text == "}":
            at += 1
            if depth:
                return found, at
        elif text == "{":
            inner, at = _group(tokens, at, depth)
            found.append(inner)
        else:
            script, at = _group(tokens, at + 1, depth)
            base = found.pop() if found else Markup("<mrow></mrow>")
            found.append(Markup("<{0}>{1}{2}</{0}>").format(Markup("msub" if text == "_" else "msup"), base, script))
    return found, at


def _group(tokens: Tokens, at: int, depth: int) -> tuple[Markup, int]:
    """Return the braces, or the single element, at a place, and the place after it."""
    if at >= len(tokens) or depth >= DEEPEST:
        return Markup("<mrow></mrow>"), at + 1
    kind, text = tokens[at]
    if text == "{" and not kind:
        inner, at = _row(tokens, at + 1, depth + 1)
        return Markup("<mrow>{}</mrow>").format(Markup("").join(inner)), at
    if not kind:
        return Markup("<mrow></mrow>"), at + 1
    return _element(kind, text), at + 1


def _element(kind: str, text: str) -> Markup:
    """Return a number, word or sign; brackets keep their height."""
    start = 'mo stretchy="false"' if text in "()[]⟨⟩|" else kind
    return Markup("<{}>{}</{}>").format(Markup(start), escape(visible(text)), Markup(kind))
