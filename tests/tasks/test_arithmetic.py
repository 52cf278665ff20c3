import re
from pathlib import Path

import numpy as np
import pytest
from archarena.harness import Splits, Streams
from archarena.harness.data.seeds import generator
from archarena.tasks.arithmetic import END, Arithmetic, solution
from archarena.tasks.byte_rows import byte_rows, read_bytes
from archarena.tasks.math_solve import ANY, MAJORITY, RIGHT

SOLVING = {"problems": 60, "samples": 4, "voted": 20, "new_tokens": 40}


@pytest.fixture(scope="module")
def task() -> Arithmetic:
    return Arithmetic(operators=3, length=56, train=2_000, valid=50, test=200, solving=SOLVING)


@pytest.fixture(scope="module")
def splits(task: Arithmetic) -> Splits:
    return task.splits(Path(), Streams(generator("train"), generator("fixed")))


def texts(split) -> list[str]:
    """Return expression and solution of each row, without the end mark."""
    tokens, targets = split.inputs["tokens"], split.targets
    rows = np.concatenate(
        [tokens[:, :1], np.where(targets == -100, tokens[:, 1:].take(range(56), 1, mode="clip"), targets)], 1
    )
    return ["".join(chr(token - 1) for token in row if 0 < token < END) for row in rows]


@pytest.mark.parametrize(
    ("parts", "text"),
    [
        ([7, "+", 5], r"\boxed{12}"),
        ([7, "-", 2, "*", 3], r"7-6=\boxed{1}"),
        ([1, "-", 9, "-", 2], r"-8-2=\boxed{-10}"),
        ([2, "*", 3, "+", 4, "*", 5], r"6+4*5=6+20=\boxed{26}"),
    ],
)
def test_a_solution_has_one_operation_per_step(parts, text):
    assert solution(parts) == text


def test_every_step_of_every_row_has_the_value_of_the_expression(splits: Splits):
    for split in (splits.train, splits.tests["lm"]):
        for text in texts(split)[:200]:
            *steps, last = text.split("=")
            answer = re.fullmatch(r"\\boxed\{(-?\d+)\}", last)
            assert answer
            assert {eval(step) for step in steps} == {int(answer[1])}


def test_only_the_solution_and_its_end_are_scored(splits: Splits):
    train = splits.train
    for tokens, targets, length in zip(train.inputs["tokens"], train.targets, train.inputs["lengths"], strict=True):
        equals = int((tokens == ord("=") + 1).argmax())
        assert np.flatnonzero(targets != -100).tolist() == list(range(equals, length))
        assert targets[length - 1] == END


def test_prompts_ask_for_the_answers_of_the_test_rows(splits: Splits):
    solve = splits.tests["solve"]
    prompts = [row[0] for row in read_bytes(solve.inputs["tokens"][:, None])]
    assert len(prompts) == 60
    for prompt, text, gold in zip(prompts, solve.inputs["text"].tolist(), solve.targets.tolist(), strict=True):
        assert prompt.endswith("=")
        assert str(eval(prompt[:-1])) == gold
        assert text.endswith(f"Problem:\nWhat is {prompt[:-1]}?\n\nSolution:")
    assert r"7-2*4=$7-8=\boxed{-1}$" in solve.inputs["text"][0]


def test_generated_solutions_are_graded(splits: Splits):
    golds = splits.tests["solve-voted"].targets[:2]
    right, wrong = ([rf"1=\boxed{{{gold}}}" for gold in golds], r"\boxed{777777}")
    samples = [[right[0], wrong, right[0], ""], [wrong, right[1], wrong, ""]]
    tokens, _ = byte_rows([text.encode() for row in samples for text in row], 40)
    tokens = tokens.reshape(2, 4, 40)
    assert [metric.score(tokens, golds) for metric in (RIGHT, MAJORITY, ANY)] == [0.5, 0.5, 1.0]


def test_a_constant_answer_is_seldom_right(task: Arithmetic, splits: Splits):
    references = {(score.evaluation, score.name): score.value for score in task.reference_scores(splits)}
    assert references["lm", "bigram"] < references["lm", "unigram"]
    assert 0 < references["solve", "constant answer"] < 0.3
