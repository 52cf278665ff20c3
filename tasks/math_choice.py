r"""Multiple choice with four boxed answers: the rows, and reference scores that ignore the problem.

The three wrong options are correct answers to other problems of the same subject, so neither their
form nor their frequency gives the correct one away. No two options are equivalent. Each option is
scored as the continuation of ``The answer is $\boxed{``, once after its problem and once after an
empty problem; the difference is how much the problem adds to the answer's likelihood.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import numpy as np

from ..harness import IGNORE, ReferenceScore, Split, UserError
from .byte_rows import continuations
from .grading.boxed import boxed_answer
from .grading.canonical import canonical

if TYPE_CHECKING:
    import pandas as pd

OPTIONS = 4
_BASE = re.compile(r"(?<=\d)\s*_\s*\{?\s*\d+\s*\}?[\s.]*$")
"""The base of a number; numbers that differ only in this are not offered together."""

LONGEST_ANSWER = 40
"""Maximum bytes of an answer; problems with longer answers are used neither as questions nor for options."""


def choice_split(table: pd.DataFrame, problems: int, length: int, generator: np.random.Generator) -> Split:
    """Return the rows in the order (problem, with or without the problem text, option).

    Parameters
    ----------
    table
        Problems with columns problem, solution, type and level.
    problems
        Maximum number of questions.
    length
        Tokens per row; problems that are too long are cut at the beginning.

    Returns
    -------
    Split
        Inputs ``tokens`` and ``candidates`` (problems * 2 * 4, length) and ``lengths``; targets
        (problems,) the correct option.
    """
    answers = [boxed_answer(solution) or "" for solution in table["solution"]]
    table = table.assign(answer=answers, form=[canonical(_BASE.sub("", answer)) for answer in answers])
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
    """Return answers from the pool, none equivalent to the correct one or to each other."""
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


def choice_scores(split: Split) -> list[ReferenceScore]:
    """Return the scores of always choosing the longest, the shortest or the first option."""
    sizes = (split.inputs["candidates"] != IGNORE).sum(1).reshape(len(split.targets), 2, OPTIONS)[:, 0]
    rules = {"longest answer": sizes.argmax(1), "shortest answer": sizes.argmin(1), "first answer": 0 * sizes[:, 0]}
    return [
        ReferenceScore(
            "choice", name, float(np.mean(choice == split.targets)), summary=f"Always the {name.split()[0]} option."
        )
        for name, choice in rules.items()
    ]
