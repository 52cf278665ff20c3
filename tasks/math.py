"""Competition mathematics (MATH) as byte language modeling of worked solutions, without pretraining."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from ..harness import (
    Budget,
    DataSet,
    Evaluation,
    Hub,
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
from ..harness.data.data_set import hold_out
from .byte_rows import END, continuations
from .math_choice import choice_scores, choice_split
from .math_solve import Solving, solve_evaluations, solve_scores, solve_splits
from .reference_scores import next_byte_scores

if TYPE_CHECKING:
    import pandas as pd

VOCABULARY = END + 1

MATH = DataSet(
    name="math",
    summary="MATH, Hendrycks et al. 2021",
    license="MIT",
    columns={"problem": str, "level": str, "type": str, "solution": str},
    checksums={
        "train": "4d06530b9f407084cfce80badd8e824a2bf94a0fed281cb8eb471ec41ee78587",
        "test": "fd1a321d42879fe0514f40de8d093a4fb7703e6b3b7d42dc67a078a0b0446d55",
    },
    hub=Hub(
        "EleutherAI/hendrycks_math",
        (
            "algebra",
            "counting_and_probability",
            "geometry",
            "intermediate_algebra",
            "number_theory",
            "prealgebra",
            "precalculus",
        ),
    ),
)
"""MATH; the hub's mirror EleutherAI/hendrycks_math states the license of its authors.

The authors' copy ``hendrycks/competition_math`` was withdrawn from the hub after a notice by Art of Problem
Solving of 2 January 2025, which claims the copyright of the problems. Nothing is downloaded unless
``ARCHARENA_HUB=1`` is set.
"""

MATH_500 = DataSet(
    name="math-500",
    summary="MATH-500, the test problems of Lightman et al. 2023, arXiv:2305.20050",
    license="MIT",
    columns={"problem": str, "level": int, "subject": str, "solution": str},
    counts={"test": 500},
    hub=Hub("HuggingFaceH4/MATH-500"),
)

HELD_OUT = 500
"""Training problems that no tier trains on; validation rows come from them."""


READING = (
    Evaluation(
        "bits_per_byte",
        "Bits per byte of test solutions; the end mark counts as a byte.",
        name="lm",
        test="lm",
        slices=("level", "subject"),
    ),
    Evaluation(
        "choice_accuracy",
        "Share of problems where, of four answers, the correct one gains the most likelihood from the problem.",
        name="choice",
        test="choice",
        readout="likelihood",
        chance=0.25,
        slices=("level", "subject"),
    ),
    Evaluation(
        "choice_prior_accuracy",
        "Share of problems where the correct one of four answers is the likeliest without the problem.",
        name="choice-prior",
        test="choice",
        readout="likelihood",
        chance=0.25,
        companion_of="choice",
    ),
)
"""The columns that need no generated text."""


@register_task(
    "math",
    summary="Byte language model of worked solutions to competition problems (MATH), scored by bits per byte, "
    "multiple choice and generated solutions.",
    suites=("math", "quick", "demo"),
    needs=("math",),
)
class Math(Task):
    """MATH (Hendrycks et al., arXiv:2103.03874) as a causal language model of bytes.

    A row is ``Problem:``, the problem, ``Solution:``, the solution and an end mark; only the
    solution and the end mark are predicted. A row too long for `length` keeps the end of the
    problem, which has the question, and the beginning of the solution (see `frame`).

    One trained model is evaluated in three ways. ``math-lm`` scores test solutions in bits per byte.
    ``math-choice`` asks which of four boxed answers from problems of one subject is correct (see
    `archarena.tasks.math_choice`). ``math-solve`` generates solutions and grades the answers (see
    `archarena.tasks.math_solve`). Its problems come from the official test set of 5,000, so scores are
    not comparable with those on the 500 that are often used instead (`Math500`). 500 training
    problems, the same for every tier and seed, are held out for validation. No published value uses
    this format.

    Parameters
    ----------
    length
        Tokens per row.
    train, valid, test
        Number of problems. The training problems depend on the seed.
    choices
        Number of multiple-choice test problems.
    choice_length
        Tokens per multiple-choice row.
    solving
        Arguments of `archarena.tasks.math_solve.Solving`.
    """

    arguments: ClassVar = {
        "smoke": {
            "length": 128, "train": 64, "valid": 16, "test": 32, "choices": 8, "choice_length": 128,
            "solving": {"problems": 4, "samples": 2, "voted": 2, "new_tokens": 16},
        },
        "quick": {
            "length": 256, "train": 7_000, "valid": 100, "test": 300, "choices": 150, "choice_length": 192,
            "solving": {"problems": 50, "samples": 4, "voted": 50, "new_tokens": 64},
        },
        "standard": {
            "length": 1_024, "train": 7_000, "valid": 500, "test": 5_000, "choices": 1_000, "choice_length": 512,
            "solving": {"problems": 500, "samples": 16, "voted": 100, "new_tokens": 512},
        },
        "full": {
            "length": 2_048, "train": 7_000, "valid": 500, "test": 5_000, "choices": 4_000, "choice_length": 1_024,
            "solving": {"problems": 5_000, "samples": 64, "voted": 500, "new_tokens": 1_024},
        },
    }  # fmt: skip
    budgets: ClassVar = {
        "smoke": Budget(steps=4, batch=8),
        "quick": Budget(steps=160, batch=8),
        "standard": Budget(steps=2_000, batch=32),
        "full": Budget(steps=8_000, batch=32),
    }
    evaluations = READING
    data_sources = (MATH,)
    dataset = MATH
    published_tiers = ("full",)

    def __init__(
        self, length: int, train: int, valid: int, test: int, choices: int, choice_length: int, solving: dict[str, int]
    ):
        self.length = length
        self.rows = {"train": train, "valid": valid, "test": test}
        self.choices = choices
        self.choice_length = choice_length
        self.solving = Solving(**solving)
        self.evaluations = READING + solve_evaluations(self.solving)

    @property
    def spec(self) -> TaskSpec:
        return TaskSpec(Tokens(VOCABULARY, self.length), NextToken(VOCABULARY), causal=True)

    def splits(self, data: Path, streams: Streams) -> Splits:
        learn, test = self.dataset.read(data, "train"), self.asked(data)
        train, valid = hold_out(np.zeros(len(learn)), HELD_OUT, "math")
        train = streams.train.permutation(train)[: self.rows["train"]]
        valid = streams.fixed.permutation(valid)[: self.rows["valid"]]
        tested = streams.fixed.permutation(len(test))[: self.rows["test"]]
        choice = choice_split(test, self.choices, self.choice_length, streams.fixed)
        return Splits(
            self._split(learn.iloc[train]),
            self._split(learn.iloc[valid]),
            {"lm": self._split(test.iloc[tested]), "choice": choice}
            | solve_splits(learn, test, self.solving, self.length, streams.fixed),
        )

    def asked(self, data: Path) -> pd.DataFrame:
        """Return the test problems, with columns problem, level, type and solution."""
        return self.dataset.read(data, "test")

    def _split(self, table: pd.DataFrame) -> Split:
        texts = zip(table["problem"], table["solution"], strict=True)
        pairs = [frame(problem.encode(), solution.encode(), self.length) for problem, solution in texts]
        rows = continuations(pairs, self.length, end=True)
        groups = {"level": np.array(table["level"].tolist()), "subject": np.array(table["type"].tolist())}
        return Split({"tokens": rows.tokens, "lengths": rows.lengths}, rows.scored, groups)

    def reference_scores(self, splits: Splits) -> list[ReferenceScore]:
        return [
            *next_byte_scores("lm", splits.train, splits.tests["lm"], VOCABULARY),
            *choice_scores(splits.tests["choice"]),
            *solve_scores(splits.tests),
        ]


@register_task(
    "math-500",
    summary="Trained as `math` and tested on the 500 problems of MATH-500, a common test set.",
    suites=("math",),
    needs=("math", "math-500"),
)
class Math500(Math):
    """MATH with the 500 test problems of PRM800K's split instead of the 5,000.

    The training problems are the 7,500 of the official split. A model trained on PRM800K's training
    part has seen the other 4,500 test problems, so its scores are valid here but not for
    ``math-solve``.
    """

    arguments: ClassVar = {
        **Math.arguments,
        "standard": {**Math.arguments["standard"], "test": 500, "choices": 400},
        "full": {
            **Math.arguments["full"],
            "test": 500,
            "choices": 400,
            "solving": {"problems": 500, "samples": 64, "voted": 500, "new_tokens": 1_024},
        },
    }
    data_sources = (MATH, MATH_500)

    def asked(self, data: Path) -> pd.DataFrame:
        table = MATH_500.read(data, "test").rename(columns={"subject": "type"})
        return table.assign(level=[f"Level {level}" for level in table["level"]])


def frame(problem: bytes, solution: bytes, length: int) -> tuple[bytes, bytes]:
    """Return the context and its continuation, cut to `length` tokens.

    The problem is cut at its beginning until the solution fits, but keeps at least a third of the
    available length. If the solution is still too long, the caller cuts off its end.
    """
    before, after = b"Problem:\n", b"\n\nSolution:\n"
    room = length - len(before) - len(after)
    kept = max(room // 3, room - len(solution))
    return before + problem[max(0, len(problem) - kept) :] + after, solution
