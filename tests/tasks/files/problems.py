"""Competition problems in the format of MATH; all are additions of two numbers."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from archarena.tasks.math import MATH, MATH_500
from archarena.tasks.math_solve import SHOTS

from .tables import write_lines


def math(folder: Path, rows: Mapping[str, int]) -> dict[str, Any]:
    """Write problems."""
    return write_lines(folder, MATH, {part: problems(part, count) for part, count in rows.items()})


def math_500(folder: Path, rows: Mapping[str, int]) -> dict[str, Any]:
    """Write test problems with the columns of MATH-500 on the hub."""
    table = [
        {"subject": row.pop("type"), "level": int(row.pop("level")[-1]), "unique_id": f"test/{n}", **row}
        for n, row in enumerate(problems("the 500", rows["test"]))
    ]
    return write_lines(folder, MATH_500, {"test": table})


def problems(part: str, rows: int) -> list[dict[str, Any]]:
    """Return additions; the first training problems also start with the words of the prompt's problems."""
    openings = SHOTS if part == "train" else ()
    return [
        {
            "problem": openings[n] if n < len(openings) else f"What is {n} plus {n + 1} in {part}?",
            "level": f"Level {n % 5 + 1}",
            "type": ("Algebra", "Geometry")[n % 2],
            "solution": f"We add, and get $\\boxed{{{2 * n + 1}}}$.",
        }
        for n in range(rows)
    ]
