r"""The right boxed answer among four: building the rows, and rules that answer without reading.

The other three options are right answers of problems of the same subject, so that neither kind
nor frequency gives the right one away, and no two options are equivalent. Each option is scored
as the continuation of ``The answer is $\boxed{``, once after its problem and once after an empty
one; the difference is what the problem adds to the answer's likelihood.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ..harness.contract.evaluation import ReferenceScore
from ..harness.contract.task import Split
from ..harness.errors import UserError
from .byte_rows import IGNORE, continuations
from .grading.boxed import boxed_answer
from .grading.canonical import canonical

if TYPE_CHECKING:
    import pandas as pd

OPTIONS = 4
LONGEST_ANSWER = 40
"""Bytes; problems with a longer answer are not asked, and it is not offered."""


def choice_split(table: pd.DataFrame, problems: int, length: int, generator: np.random.Generator) -> Split:
    """Return the rows in the order (problem, with its problem or without, option).

    Parameters
    ----------
    table
        Problems with columns problem, solution, type and level.
    problems
        How many are asked, at most.
    length
        Tokens a row; a problem that is too long keeps its end.

    Returns
    -------
    Split
        Inputs ``tokens`` and ``candidates`` (problems * 2 * 4, length) and ``lengths``; targets
        (problems,) the right option.
    """
    answers = [boxed_answer(solution) or "" for solution in table["solution"]]
    table = table.assign(answer=answers, form=[canonical(answer) for answer in answers])
    table = table.loc[[0 < len(answer.encode()) <= LONGEST_ANSWER for answer in answers]]
    asked = table.iloc[generator.permutation(len(table))[:problems]]
    pools = dict(iter(table.groupby("type")))
    options, right = [], []
    for row in asked.itertuples():
        wrong = _distractors(pools[row.type], str(row.form), generator)
        place = int(generator.integers(OPTIONS))
        options.append([*wrong[:place], str(row.answer), *wrong[place:]])
        right.append(place)
    pairs = [
        pair
        for problem, answers in zip(asked["problem"], options, strict=True)
        for text in (problem, "")
        for pair in _questions(text.encode(), answers, length)
    ]
    rows = continuations(pairs, length, end=False)
    return Split(
        {"tokens": rows.tokens, "lengths": rows.lengths, "candidates": rows.scored},
        np.array(right, dtype=np.int64),
        {"level": np.array(asked["level"].tolist()), "subject": np.array(asked["type"].tolist())},
    )


def _distractors(pool: pd.DataFrame, right: str, generator: np.random.Generator) -> list[str]:
    """Return answers of the pool that are equivalent neither to the right one nor to each other."""
    chosen: dict[str, str] = {}
    forms, answers = pool["form"].tolist(), pool["answer"].tolist()
    for row in generator.permutation(len(pool)):
        if forms[row] != right and forms[row] not in chosen:
            chosen[forms[row]] = answers[row]
        if len(chosen) == OPTIONS - 1:
            return list(chosen.values())
    raise UserError(f"A subject has too few different answers to offer {OPTIONS} options.")


def _questions(problem: bytes, answers: list[str], length: int) -> list[tuple[bytes, bytes]]:
    before, after = b"Problem:\n", b"\n\nSolution:\nThe answer is $\\boxed{"
    longest = max(len(answer.encode()) for answer in answers)
    kept = max(0, length - len(before) - len(after) - longest)
    context = before + problem[max(0, len(problem) - kept) :] + after
    return [(context, answer.encode() + b"}") for answer in answers]


def choice_levels(split: Split) -> list[ReferenceScore]:
    """Return what the longest, the shortest and the first option reach."""
    sizes = (split.inputs["candidates"] != IGNORE).sum(1).reshape(len(split.targets), 2, OPTIONS)[:, 0]
    rules = {"longest answer": sizes.argmax(1), "shortest answer": sizes.argmin(1), "first answer": 0 * sizes[:, 0]}
    return [
        ReferenceScore(
            "choice", name, float(np.mean(choice == split.targets)), summary=f"Always the {name.split()[0]} option."
        )
        for name, choice in rules.items()
    ]
