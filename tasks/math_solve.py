r"""Solving: answers that a model writes itself, graded, voted on and sampled again.

A trained model continues ``Problem: ... Solution:`` byte by byte. A model that only writes text
(`archarena.harness.contract.model.Generator`) is shown the four solved problems that Minerva was
(Lewkowycz et al. 2022, arXiv:2206.14858), taken from the training set, and is then asked; its
numbers can be laid beside published 4-shot ones, those of models trained here cannot.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Literal

import numpy as np

from ..harness.contract.evaluation import Decoding, Evaluation, ReferenceScore
from ..harness.contract.metrics import Metric, Rows
from ..harness.contract.task import Split
from ..harness.errors import UserError
from ..harness.training.generate import read_text
from .byte_rows import END, byte_rows, read_bytes
from .grading import Grader, Verdict, boxed_answer, majority, pass_at_k
from .grading.canonical import canonical

if TYPE_CHECKING:
    import pandas as pd

TEMPERATURE = 0.6
"""Of samples that are voted on; Minerva's."""

SHOTS = (
    "Find the domain of the expression $\\frac{\\sqrt{x-2}}",
    "If $\\det \\mathbf{A} = 2$ and $\\det \\mathbf{B} = 12,$",
    "Terrell usually lifts two 20-pound weights",
    "If the system of equations\n\n\\begin{align*}\n6x-4y&=a",
)
"""How the four training problems of the Minerva prompt begin, in its order."""

COMMONEST = "2"
"""The most frequent answer of the 7,500 training problems."""

_PROMISE = "Final Answer: The final answer is ${}$. I hope it is correct."
_PROMISED = re.compile(r"Final Answer: The final answer is(.*?)\. I hope it is correct", re.DOTALL)


@dataclass(frozen=True)
class Solving:
    """How many problems are solved, and how.

    Attributes
    ----------
    problems
        Test problems, each answered once greedily.
    samples
        Answers a problem that are voted on, beside the greedy one.
    voted
        The first of these problems, which get the samples.
    new_tokens
        Bytes of an answer.
    """

    problems: int
    samples: int
    voted: int
    new_tokens: int


def solve_evaluations(size: Solving) -> tuple[Evaluation, ...]:
    """Return the columns of solving."""
    greedy = Decoding(size.new_tokens, stop=END, stop_text="Problem:")
    sampled = Decoding(size.new_tokens, size.samples, TEMPERATURE, END, "Problem:")
    once = [
        ("solve", RIGHT, "Share of problems whose written answer is right."),
        ("solve-strict", STRICT, "The same by the string comparison that MATH was published with."),
        ("solve-unanswered", UNANSWERED, "Share of problems whose text holds no answer."),
    ]
    often = [
        ("solve-majority", MAJORITY, f"Share of problems whose most frequent of {size.samples} answers is right."),
        ("solve-any", ANY, f"Share of problems of which any of {size.samples} answers is right (pass@k)."),
    ]
    return tuple(
        Evaluation(metric, summary, name, test, "generate", decoding, slices=("level", "subject"))
        for test, decoding, columns in (("solve", greedy, once), ("solve-voted", sampled, often))
        for name, metric, summary in columns
    )


def solve_splits(
    learn: pd.DataFrame, test: pd.DataFrame, size: Solving, length: int, generator: np.random.Generator
) -> dict[str, Split]:
    """Return the problems that are answered once, and those that are voted on.

    Parameters
    ----------
    learn, test
        Problems with columns problem, solution, type and level; `learn` holds those of the prompt.
    length
        Tokens a trained model has seen at most; prompt and answer share them.
    """
    answers = [boxed_answer(solution) or "" for solution in test["solution"]]
    table = test.assign(answer=answers)
    table = table.loc[[bool(answer) for answer in answers]]
    table = table.iloc[generator.permutation(len(table))[: size.problems]]
    shots = minerva_shots(learn)
    return {
        "solve": _split(table, shots, length - size.new_tokens),
        "solve-voted": _split(table.iloc[: size.voted], shots, length - size.new_tokens),
    }


def _split(table: pd.DataFrame, shots: str, length: int) -> Split:
    before, after = b"Problem:\n", b"\n\nSolution:\n"
    room = max(0, length - len(before) - len(after))
    problems = [problem.encode() for problem in table["problem"]]
    tokens, lengths = byte_rows([before + p[max(0, len(p) - room) :] + after for p in problems], length)
    text = np.array([f"{shots}Problem:\n{problem}\n\nSolution:" for problem in table["problem"]])
    return Split(
        {"tokens": tokens, "lengths": lengths, "text": text},
        np.array(table["answer"].tolist()),
        {"level": np.array(table["level"].tolist()), "subject": np.array(table["type"].tolist())},
    )


def minerva_shots(learn: pd.DataFrame) -> str:
    """Return the four solved problems that stand before a question.

    Raises
    ------
    UserError
        If the training set lacks one of them.
    """
    shots = []
    for start in SHOTS:
        found = learn.loc[learn["problem"].str.startswith(start)]
        if found.empty:
            raise UserError(f"The training problems of MATH lack the one that begins '{start}', part of the prompt.")
        problem, solution = found.iloc[0][["problem", "solution"]]
        promise = _PROMISE.format(boxed_answer(solution))
        shots.append(f"Problem:\n{problem}\n\nSolution:\n{solution}\n{promise}\n\n")
    return "".join(shots)


def written_answer(text: str) -> str | None:
    """Return the answer of a written solution: where it promises one, that; else what its last box holds."""
    promised = _PROMISED.findall(text)
    return promised[-1].strip().strip("$").strip() if promised else boxed_answer(text)


def solve_levels(tests: Mapping[str, Split]) -> list[ReferenceScore]:
    """Return what the training problems' commonest answer reaches."""
    right = float(np.mean([canonical(gold) == COMMONEST for gold in tests["solve"].targets.tolist()]))
    summary = f"Always {COMMONEST}, the commonest answer of the training problems."
    return [ReferenceScore("solve", "constant answer", right, summary=summary)]


Sample = tuple[str | None, Verdict]
"""The answer found in a written solution, and its grade."""


@lru_cache(maxsize=4)
def _graded(texts: tuple[tuple[str, ...], ...], golds: tuple[str, ...]) -> list[list[Sample]]:
    """Return each sample's answer with its verdict; several columns ask for the same ones."""
    answers = [[written_answer(text) for text in samples] for samples in texts]
    pairs = [(gold, answer) for gold, samples in zip(golds, answers, strict=True) for answer in samples]
    with Grader() as grader:
        verdicts = iter(grader.grade(pairs))
    return [[(answer, next(verdicts)) for answer in samples] for samples in answers]


def _grades(predictions: np.ndarray, targets: np.ndarray) -> list[list[Sample]]:
    read = read_text if predictions.dtype == np.uint8 else read_bytes
    return _graded(tuple(map(tuple, read(predictions))), tuple(targets.tolist()))


def _share(of_problem: Callable[[Sequence[Sample]], float]) -> Callable[[np.ndarray, np.ndarray], Rows]:
    """Return a metric's first step: a number a problem, from its samples in their order."""

    def reduce(predictions: np.ndarray, targets: np.ndarray) -> Rows:
        return (np.array([of_problem(samples) for samples in _grades(predictions, targets)]),)

    return reduce


def _voted(samples: Sequence[Sample]) -> float:
    winner = majority([answer for answer, _ in samples])
    return float(next((verdict.equal for answer, verdict in samples if answer == winner and winner is not None), False))


def _any(samples: Sequence[Sample], k: int | None = None) -> float:
    return pass_at_k(len(samples), sum(verdict.equal for _, verdict in samples), k or len(samples))


def _by_samples(of_problem: Callable[[Sequence[Sample], int], float]) -> Callable[..., dict[str, dict[int, float]]]:
    """Return what shows the gain of sampling: the score of the first 1, 2, 4, ... samples."""

    def detail(predictions: np.ndarray, targets: np.ndarray) -> dict[str, dict[int, float]]:
        grades = _grades(predictions, targets)
        counts = [2**power for power in range(predictions.shape[1].bit_length())]
        return {"samples": {k: float(np.mean([of_problem(s, k) for s in grades])) for k in counts}}

    return detail


_TEXTS = "written answers (N, samples, length), as tokens or bytes, against right answers (N,)"


def _metric(
    name: str,
    summary: str,
    of_problem: Callable[[Sequence[Sample]], float],
    direction: Literal["higher", "lower"] = "higher",
    detail: Callable[..., dict[str, dict[int, float]]] | None = None,
) -> Metric:
    return Metric(
        name=name,
        direction=direction,
        perfect=1.0 if direction == "higher" else 0.0,
        unit="fraction",
        reduce=_share(of_problem),
        finish=lambda values: float(values.mean()),
        summary=f"{summary}: {_TEXTS}.",
        detail=detail,
    )


RIGHT = _metric(
    "solved",
    "Share of problems whose answer is the same mathematics as the right one",
    lambda samples: samples[0][1].equal,
)
STRICT = _metric(
    "solved_strictly",
    "Share of problems whose answer is the right one as a normalised string",
    lambda samples: samples[0][1].strict,
)
UNANSWERED = _metric(
    "unanswered", "Share of problems without an answer in the text", lambda samples: samples[0][0] is None, "lower"
)
MAJORITY = _metric(
    "majority_solved",
    "Share of problems whose most frequent answer is right",
    _voted,
    detail=_by_samples(lambda samples, k: _voted(samples[:k])),
)
ANY = _metric(
    "any_solved",
    "Share of problems with a right answer among the samples, estimated without bias",
    _any,
    detail=_by_samples(_any),
)
