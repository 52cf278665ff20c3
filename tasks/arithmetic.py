r"""Arithmetic expressions with worked solutions, generated and graded like those of MATH.

The rows are small enough that a model without pretraining learns to solve some of them, so that generated
answers, voting and pass@k (see `archarena.tasks.math_solve`) tell models apart.
"""

from __future__ import annotations

import operator
from collections import Counter
from functools import partial
from pathlib import Path
from typing import ClassVar

import numpy as np

from ..harness import (
    Budget,
    Evaluation,
    NextToken,
    ReferenceScore,
    Split,
    Splits,
    Streams,
    Task,
    TaskSpec,
    Tokens,
    register_task,
)
from .byte_rows import END, byte_rows, continuations
from .grading import boxed_answer
from .math_solve import Solving, solve_evaluations
from .reference_scores import next_byte_scores
from .rows import distinct_rows

VOCABULARY = END + 1
OPERATIONS = {"+": operator.add, "-": operator.sub, "*": operator.mul}
SHOTS = ([3, "+", 8], [7, "-", 2, "*", 4], [2, "*", 5, "-", 9], [6, "*", 3, "+", 4, "-", 1])
"""Solved expressions in the prompt of a model that writes text."""


@register_task(
    "math-arithmetic",
    summary="Byte language model of worked arithmetic, such as 7-2*3=7-6=1, scored by generated answers.",
    suites=("math", "quick", "demo"),
)
class Arithmetic(Task):
    r"""A row is an expression and its solution, one operation per step: ``7-2*3=7-6=\boxed{1}``.

    Numbers have one digit, products come before sums, and only the solution and the end mark are
    predicted. All rows are different expressions. ``math-arithmetic-solve`` and its companions generate
    solutions as for `math` and grade their answers.

    Parameters
    ----------
    operators
        Largest number of operators; each number up to it is equally frequent, as long as there are new
        expressions.
    length
        Tokens per row.
    train, valid, test
        Number of rows.
    solving
        Arguments of `archarena.tasks.math_solve.Solving`.
    """

    arguments: ClassVar = {
        "smoke": {
            "operators": 2, "length": 32, "train": 256, "valid": 32, "test": 64,
            "solving": {"problems": 8, "samples": 2, "voted": 4, "new_tokens": 20},
        },
        "quick": {
            "operators": 3, "length": 40, "train": 20_000, "valid": 250, "test": 1_000,
            "solving": {"problems": 200, "samples": 4, "voted": 100, "new_tokens": 32},
        },
        "standard": {
            "operators": 5, "length": 128, "train": 200_000, "valid": 1_000, "test": 5_000,
            "solving": {"problems": 1_000, "samples": 16, "voted": 200, "new_tokens": 112},
        },
        "full": {
            "operators": 6, "length": 192, "train": 1_000_000, "valid": 1_000, "test": 5_000,
            "solving": {"problems": 2_000, "samples": 64, "voted": 500, "new_tokens": 176},
        },
    }  # fmt: skip
    budgets: ClassVar = {
        "smoke": Budget(steps=20, batch=16),
        "quick": Budget(steps=800, batch=32),
        "standard": Budget(steps=10_000, batch=64),
        "full": Budget(steps=50_000, batch=64),
    }
    shown_as = "problem"
    evaluations: tuple[Evaluation, ...] = (
        Evaluation(
            "bits_per_byte", "Bits per byte of solutions; the end mark counts as a byte.", "lm", "lm", slices=("level",)
        ),
    )

    def __init__(self, operators: int, length: int, train: int, valid: int, test: int, solving: dict[str, int]):
        self.operators, self.length = operators, length
        self.train, self.valid, self.test = train, valid, test
        self.solving = Solving(**solving)
        self.evaluations += solve_evaluations(self.solving)

    @property
    def spec(self) -> TaskSpec:
        return TaskSpec(Tokens(VOCABULARY, self.length), NextToken(VOCABULARY), causal=True)

    def splits(self, data: Path, streams: Streams) -> Splits:
        held_out = distinct_rows(partial(self._draw, streams.fixed), self.valid + self.test)
        train = distinct_rows(partial(self._draw, streams.train), self.train, held_out)
        valid, test = held_out[: self.valid], held_out[self.valid :]
        asked = {
            "solve": self._asked(test[: self.solving.problems]),
            "solve-voted": self._asked(test[: self.solving.voted]),
        }
        return Splits(self._read(train), self._read(valid), {"lm": self._read(test), **asked})

    def reference_scores(self, splits: Splits) -> list[ReferenceScore]:
        scored = next_byte_scores("lm", splits.train, splits.tests["lm"], VOCABULARY)
        answers = Counter(_answers(splits.train))
        ((common, _),) = answers.most_common(1)
        return scored + [
            ReferenceScore(
                column,
                "constant answer",
                float(np.mean(splits.tests[test].targets == common)),
                summary="Always the most frequent training answer.",
            )
            for column, test in (("solve", "solve"), ("solve-majority", "solve-voted"), ("solve-any", "solve-voted"))
        ]

    def _draw(self, generator: np.random.Generator, n: int) -> np.ndarray:
        """Return expressions (n, 2 * operators + 1): digits and numbers of operations in turn, then -1."""
        rows = generator.integers(10, size=(n, 2 * self.operators + 1), dtype=np.int8)
        rows[:, 1::2] = generator.integers(len(OPERATIONS), size=(n, self.operators), dtype=np.int8)
        sizes = 2 * generator.integers(1, self.operators + 1, size=(n, 1)) + 1
        return np.where(np.arange(rows.shape[1]) < sizes, rows, np.int8(-1))

    def _read(self, rows: np.ndarray) -> Split:
        pairs = [(write(parts) + "=", solution(parts)) for parts in map(parts_of, rows)]
        texts = continuations([(a.encode(), b.encode()) for a, b in pairs], self.length, end=True)
        return Split({"tokens": texts.tokens, "lengths": texts.lengths}, texts.scored, {"level": _levels(rows)})

    def _asked(self, rows: np.ndarray) -> Split:
        expressions = [*map(parts_of, rows)]
        prompts = [(write(parts) + "=").encode() for parts in expressions]
        tokens, lengths = byte_rows(prompts, self.length - self.solving.new_tokens)
        shots = "".join(f"{_question(parts)}{write(parts)}=${solution(parts)}$\n\n" for parts in map(list, SHOTS))
        text = np.array([shots + _question(parts).rstrip("\n") for parts in expressions])
        kinds = ["products" if "+" not in parts and "-" not in parts else "sums" if "*" not in parts else "both"
                 for parts in expressions]  # fmt: skip
        answers = np.array([boxed_answer(solution(parts)) for parts in expressions])
        groups = {"level": _levels(rows), "subject": np.array(kinds)}
        return Split({"tokens": tokens, "lengths": lengths, "text": text}, answers, groups)


Parts = list[int | str]
"""An expression: numbers and operators in turn."""


def parts_of(row: np.ndarray) -> Parts:
    """Return the expression that a row of `Arithmetic` draws encodes."""
    symbols = [*OPERATIONS]
    return [symbols[value] if place % 2 else value for place, value in enumerate(row[row >= 0].tolist())]


def write(parts: Parts) -> str:
    """Return an expression as text."""
    return "".join(map(str, parts))


def solution(parts: Parts) -> str:
    r"""Return the steps after the expression, with the answer in a box: ``7-6=\boxed{1}``."""
    steps = []
    while len(parts) > 1:
        place = parts.index("*") if "*" in parts else 1
        value = OPERATIONS[str(parts[place])](parts[place - 1], parts[place + 1])
        parts = [*parts[: place - 1], value, *parts[place + 2 :]]
        steps.append(write(parts))
    return "=".join([*steps[:-1], f"\\boxed{{{steps[-1]}}}"])


def _levels(rows: np.ndarray) -> np.ndarray:
    return np.array([f"{count} operators" if count > 1 else "1 operator" for count in (rows >= 0).sum(1) // 2])


def _question(parts: Parts) -> str:
    return f"Problem:\nWhat is {write(parts)}?\n\nSolution:\n"


def _answers(split: Split) -> list[str]:
    """Return the answers in a training split's targets."""
    tokens = np.where((split.targets > 0) & (split.targets < END), split.targets, 0)
    texts = [bytes((row[row > 0] - 1).astype(np.uint8)).decode() for row in tokens]
    return [answer for answer in map(boxed_answer, texts) if answer]
