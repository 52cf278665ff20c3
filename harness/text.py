"""Text from plugins, records and files, made safe to print."""

from __future__ import annotations

import unicodedata

_INVISIBLE = ("Cc", "Cf", "Cs", "Co", "Zl", "Zp")
"""Unicode categories of control, direction and other invisible characters, and of surrogates."""


def visible(text: str) -> str:
    r"""Return text with invisible characters other than newline and tab escaped, such as ``\u202e``.

    Without this, a name with a right-to-left override would look like a different name, and an escape
    code would reach the terminal.
    """
    return text if text.isprintable() else "".join(_escaped(char) for char in text)


def _escaped(char: str) -> str:
    if char in "\n\t" or unicodedata.category(char) not in _INVISIBLE:
        return char
    return f"\\u{ord(char):04x}"


def shortened(text: str, limit: int = 300) -> str:
    """Return text with at most `limit` characters; the rest becomes three dots."""
    return text if len(text) <= limit else f"{text[: limit - 3]}..."


def one_line(text: str) -> str:
    """Return a message as one line of at most 400 characters that can be written as UTF-8."""
    start = text[:2000].encode(errors="replace").decode()
    return shortened(" ".join(start.split()), 400)
