r"""Generated solutions to MATH problems: greedy answers, majority voting and pass@k.

A trained model continues ``Problem: ... Solution:`` byte by byte. A model that only generates text
(`archarena.harness.contract.model.Generator`) gets Minerva's prompt of four solved training problems
(Lewkowycz et al. 2022, arXiv:2206.14858) before the question. Its scores are comparable with published
4-shot values; those of models trained here are not.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import TYPE_CHECKING, Literal

import numpy as np

from ..harness import Decoding, Evaluation, Metric, ReferenceScore, RowValues, Split, UserError, read_text
from .byte_rows import END, byte_rows, read_bytes
from .grading import Grade, Grader, boxed_answer, majority, minerva_equal, pass_at_k
from .grading.canonical import canonical

if TYPE_CHECKING:
    import pandas as pd

TEMPERATURE = 0.6
"""Sampling temperature for voting, as in Minerva."""

SHOTS = (
    "Find the domain of the expression $\\frac{\\sqrt{x-2}}",
    "If $\\det \\mathbf{A} = 2$ and $\\det \\mathbf{B} = 12,$",
    "Terrell usually lifts two 20-pound weights",
    "If the system of equations\n\n\\begin{align*}\n6x-4y&=a",
)
"""Beginnings of the four training problems in the Minerva prompt, in order."""

COMMONEST = "2"
"""The most frequent answer of the 7,500 training problems."""

_PROMISE = "Final Answer: The final answer is ${}$. I hope it is correct."
_PROMISED = re.compile(r"Final Answer: The final answer is(.*?)\. I hope it is correct", re.DOTALL)


_ONE_FORMULA = re.compile(r"(?:\$|\\\()([^$]*?)(?:\$|\\\))")


@dataclass(frozen=True)
class Solving:
    """Number of problems and samples.

    Attributes
    ----------
    problems
        Number of test problems, each answered once greedily.
    samples
        Samples per problem for voting, in addition to the greedy answer.
    voted
        Number of problems with samples, taken from the start of `problems`.
    new_tokens
        Maximum bytes per answer.
    """

    problems: int
    samples: int
    voted: int
    new_tokens: int


def solve_evaluations(size: Solving) -> tuple[Evaluation, ...]:
    """Return the evaluations of generated solutions."""
    greedy = Decoding(size.new_tokens, stop=END, stop_text="Problem:")
    sampled = Decoding(size.new_tokens, size.samples, TEMPERATURE, END, "Problem:")
    once = [
        ("solve", RIGHT, "Share of problems answered correctly."),
        (
            "solve-strict",
            STRICT,
            "The same with a published string comparison: Minerva's for answers to its prompt, else MATH's.",
        ),
        ("solve-unanswered", UNANSWERED, "Share of problems without an answer in the generated text."),
    ]
    often = [
        (
            "solve-majority",
            MAJORITY,
            f"Share of problems where the most frequent of {size.samples} answers is correct.",
        ),
        ("solve-any", ANY, f"Share of problems where any of {size.samples} answers is correct (pass@k)."),
    ]
    return tuple(
        Evaluation(
            metric,
            summary,
            name,
            test,
            "generate",
            decoding,
            slices=("level", "subject"),
            companion_of=None if name == "solve" else "solve",
        )
        for test, decoding, columns in (("solve", greedy, once), ("solve-voted", sampled, often))
        for name, metric, summary in columns
    )


def solve_splits(
    learn: pd.DataFrame, test: pd.DataFrame, size: Solving, length: int, generator: np.random.Generator
) -> dict[str, Split]:
    """Return the problems for greedy answers and those for voting.

    Parameters
    ----------
    learn, test
        Problems with columns problem, solution, type and level; `learn` includes those of the prompt.
    length
        Context length of trained models, for prompt and answer together.
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
    """Return the four solved problems of the Minerva prompt.

    Raises
    ------
    UserError
        If one of them is not in the training set.
    """
    shots = []
    for start in SHOTS:
        found = learn.loc[learn["problem"].str.startswith(start)]
        if found.empty:
            raise UserError(f"The training problems of MATH lack the prompt's problem that begins with '{start}'.")
        problem, solution = found.iloc[0][["problem", "solution"]]
        promise = _PROMISE.format(boxed_answer(solution))
        shots.append(f"Problem:\n{problem}\n\nSolution:\n{solution}\n{promise}\n\n")
    return "".join(shots)


def written_answer(text: str) -> str | None:
    """Return a solution's answer: its "Final Answer" sentence if there is one, else the last box."""
    promised = _PROMISED.findall(text)
    if not promised:
        return boxed_answer(text)
    answer = promised[-1].strip()
    return next((match[1].strip() for match in [_ONE_FORMULA.fullmatch(answer)] if match), answer)


def solve_scores(tests: Mapping[str, Split]) -> list[ReferenceScore]:
    """Return the score of the most frequent training answer."""
    right = float(np.mean([canonical(gold) == COMMONEST for gold in tests["solve"].targets.tolist()]))
    summary = f"Always {COMMONEST}, the most frequent training answer."
    return [ReferenceScore("solve", "constant answer", right, summary=summary)]


Sample = tuple[str | None, Grade]
"""The answer extracted from a generated solution, and its grade."""


@lru_cache(maxsize=4)
def _graded(texts: tuple[tuple[str, ...], ...], golds: tuple[str, ...]) -> list[list[Sample]]:
    """Return each sample's answer and grade; cached because several columns use them."""
    answers = [[written_answer(text) for text in samples] for samples in texts]
    pairs = [(gold, answer) for gold, samples in zip(golds, answers, strict=True) for answer in samples]
    with Grader() as grader:
        grades = iter(grader.grade(pairs))
    return [
        [(answer, _as_published(text, gold, answer, next(grades))) for text, answer in zip(row, samples, strict=True)]
        for row, gold, samples in zip(texts, golds, answers, strict=True)
    ]


def _as_published(text: str, gold: str, answer: str | None, grade: Grade) -> Grade:
    """Compare strings as Minerva's authors do if the text ends with the sentence of their prompt."""
    if answer is None or not _PROMISED.search(text):
        return grade
    return replace(grade, strict=minerva_equal(gold, answer))


def _grades(predictions: np.ndarray, targets: np.ndarray) -> list[list[Sample]]:
    read = read_text if predictions.dtype == np.uint8 else read_bytes
    return _graded(tuple(map(tuple, read(predictions))), tuple(targets.tolist()))


def _share(of_problem: Callable[[Sequence[Sample]], float]) -> Callable[[np.ndarray, np.ndarray], RowValues]:
    """Return a metric's first step: one number per problem, computed from its ordered samples."""

    def reduce(predictions: np.ndarray, targets: np.ndarray) -> RowValues:
        return (np.array([of_problem(samples) for samples in _grades(predictions, targets)]),)

    return reduce


def _voted(samples: Sequence[Sample]) -> float:
    winner = majority([answer for answer, _ in samples])
    return float(next((grade.equal for answer, grade in samples if answer == winner and winner is not None), False))


def _any(samples: Sequence[Sample], k: int | None = None) -> float:
    return pass_at_k(len(samples), sum(grade.equal for _, grade in samples), k or len(samples))


def _by_samples(of_problem: Callable[[Sequence[Sample], int], float]) -> Callable[..., dict[str, dict[int, float]]]:
    """Return a detail function with the scores of the first 1, 2, 4, ... samples."""

    def detail(predictions: np.ndarray, targets: np.ndarray) -> dict[str, dict[int, float]]:
        grades = _grades(predictions, targets)
        counts = [2**power for power in range(predictions.shape[1].bit_length())]
        return {"samples": {k: float(np.mean([of_problem(s, k) for s in grades])) for k in counts}}

    return detail


_TEXTS = "generated answers (N, samples, length), as tokens or bytes, against correct answers (N,)"


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
        per_row=lambda values: values,
        margin=0.01,
    )


RIGHT = _metric(
    "solved", "Share of problems with an answer equivalent to the correct one", lambda samples: samples[0][1].equal
)
STRICT = _metric(
    "solved_strictly",
    "Share of problems with an answer equal to the correct one as a normalized string",
    lambda samples: samples[0][1].strict,
)
UNANSWERED = _metric(
    "unanswered", "Share of problems without an answer in the text", lambda samples: samples[0][0] is None, "lower"
)
MAJORITY = _metric(
    "majority_solved",
    "Share of problems where the most frequent answer is correct",
    _voted,
    detail=_by_samples(lambda samples, k: _voted(samples[:k])),
)
ANY = _metric(
    "any_solved",
    "Share of problems with a correct answer among the samples, estimated without bias",
    _any,
    detail=_by_samples(_any),
)
