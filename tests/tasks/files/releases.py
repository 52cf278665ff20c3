"""The released files of the Long Range Arena for ListOps, Pathfinder and Path-X."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from archarena.tasks.listops_release import LISTOPS
from archarena.tasks.listops_trees import VOCABULARY, draw_trees
from archarena.tasks.pathfinder_release import DIFFICULTY
from PIL import Image


def listops(folder: Path, rows: Mapping[str, int]) -> dict[str, Any]:
    """Write trees of the published lengths."""
    home = folder / "listops-1000"
    home.mkdir(parents=True)
    for part, count in rows.items():
        trees = draw_trees(np.random.default_rng(len(part)), count, longer_than=500, shorter_than=2_000)
        lines = [f"{with_parentheses([VOCABULARY[id] for id in ids if id])}\t{value}" for value, *ids in trees.tolist()]
        (home / LISTOPS.files[part][0]).write_text("\n".join(["Source\tTarget", *lines]) + "\n")
    return {"counts": dict(rows)}


def with_parentheses(words: Sequence[str]) -> str:
    """Return a tree as released: each argument and the closing bracket is paired with everything before it."""
    open_nodes: list[list[str]] = [[]]
    for word in words:
        if word.startswith("["):
            open_nodes.append([word])
        elif word == "]":
            operator, *arguments = open_nodes.pop()
            pairs = "".join(f" {argument} )" for argument in [*arguments, "]"])
            open_nodes[-1].append("( " * (len(arguments) + 1) + operator + pairs)
        else:
            open_nodes[-1].append(word)
    return open_nodes[0][0]


def pathfinder(folder: Path, rows: Mapping[str, int], *, side: int) -> dict[str, Any]:
    """Write images whose brightness gives the label, in two lists."""
    home = folder / f"pathfinder{side}" / DIFFICULTY
    (home / "metadata").mkdir(parents=True)
    for batch, numbers in enumerate(np.array_split(np.arange(rows["all"]), 2)):
        (home / "imgs" / str(batch)).mkdir(parents=True)
        lines = []
        for n, number in enumerate(numbers.tolist()):
            pixels = np.full((side, side), 200 * (n % 2) + number % 50, np.uint8)
            Image.fromarray(pixels).save(home / "imgs" / str(batch) / f"sample_{n}.png")
            lines.append(f"imgs/{batch} sample_{n}.png {n} {n % 2} 1.0 14 4 2 0.5 1 1")
        (home / "metadata" / f"{batch}.npy").write_text("\n".join(lines))
    return {"count": rows["all"]}


pathfinder32 = partial(pathfinder, side=32)
pathfinder128 = partial(pathfinder, side=128)
