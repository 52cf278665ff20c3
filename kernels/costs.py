"""The measure of what an operation must do."""

from __future__ import annotations

from typing import NamedTuple


class Cost(NamedTuple):
    """Floating-point operations, and bytes moved to and from memory."""

    flops: int
    bytes: int
