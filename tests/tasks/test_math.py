"""The task on small data in the format of MATH, and on MATH itself if it is available."""

import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from archarena.harness import UserError
from archarena.harness.contract.metrics import METRICS
from archarena.harness.data.prepare import streams
from archarena.tasks.byte_rows import END, IGNORE
from archarena.tasks.math import MATH, MATH_500, Math, Math500, frame
from files import problems
from hypothesis import given
from hypothesis import strategies as st

SOLVING = {"problems": 6, "samples": 2, "voted": 3, "new_tokens": 16}
SIZE = {"length": 96, "train": 60, "valid": 40, "test": 30, "choices": 12, "choice_length": 96, "solving": SOLVING}


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    """Return a task on 600 training and 50 test problems, and its data folder."""
    folder = tmp_path_factory.mktemp("data")
    task = Math(**SIZE)
    task.dataset = replace(MATH, **problems.math(folder, {"train": 600, "test": 50}))
    return task, folder


def read(split) -> list[str]:
    rows = zip(split.inputs["tokens"], split.inputs["lengths"], strict=True)
    return [bytes((tokens[:length] - 1).tolist()).decode() for tokens, length in rows]


def test_the_loss_sees_the_solution_and_the_end_mark_alone(small):
    task, folder = small
    split = task.splits(folder, streams("math", "smoke", 0)).train
    for text, targets in zip(read(split), split.targets, strict=True):
        scored = targets[targets != IGNORE]
        assert text.startswith("Problem:\n")
        assert scored[-1] == END
        assert text.split("\n\nSolution:\n")[1] == bytes((scored[:-1] - 1).tolist()).decode()


def test_validation_problems_are_never_trained_on_and_the_seed_moves_training_alone(small):
    task, folder = small
    runs = [task.splits(folder, streams("math", "smoke", seed)) for seed in (0, 1, 0)]
    assert read(runs[0].train) == read(runs[2].train) != read(runs[1].train)
    assert read(runs[0].valid) == read(runs[1].valid)
    assert not set(read(runs[0].valid)) & {*read(runs[0].train), *read(runs[1].train)}
    for name in ("lm", "choice", "solve"):
        assert read(runs[0].tests[name]) == read(runs[1].tests[name])
        assert np.array_equal(runs[0].tests[name].targets, runs[1].tests[name].targets)


def test_a_bigram_of_bytes_is_below_a_unigram_and_both_are_probabilities(small):
    task, folder = small
    references = {
        score.name: score.value for score in task.reference_scores(task.splits(folder, streams("math", "smoke", 0)))
    }
    assert 0 < references["bigram"] < references["unigram"] < np.log2(258)


def test_every_evaluation_finds_its_test_and_groups(small):
    task, folder = small
    splits = task.splits(folder, streams("math", "smoke", 0))
    for evaluation in task.evaluations:
        split = splits.tests[evaluation.test]
        assert set(evaluation.slices) <= set(split.groups)
        assert all(len(labels) == len(split.targets) for labels in split.groups.values())


def test_choice_counts_what_the_problem_adds(small):
    task, folder = small
    split = task.splits(folder, streams("math", "smoke", 0)).tests["choice"]
    gain = np.zeros((len(split.targets), 2, 4))
    gain[np.arange(len(gain)), 0, split.targets] = 1.0
    prior = np.random.default_rng(0).normal(size=(len(gain), 1, 4))
    assert METRICS["choice_accuracy"].score((gain + 100 * prior).ravel(), split.targets) == 1.0


def test_the_500_are_a_set_of_their_own_in_the_hubs_columns(small, monkeypatch):
    task, folder = small
    pins = problems.math_500(folder, {"test": 20})
    fewer = Math500(**SIZE)
    fewer.dataset = task.dataset
    with pytest.raises(UserError, match="20 rows, but 500 are pinned"):
        fewer.splits(folder, streams("math-500", "smoke", 0))
    monkeypatch.setattr("archarena.tasks.math.MATH_500", replace(MATH_500, **pins))
    splits = fewer.splits(folder, streams("math-500", "smoke", 0))
    assert all("in the 500?" in text for text in read(splits.tests["lm"]))
    assert all("in train?" in text for text in read(splits.train)[10:])
    assert set(splits.tests["solve"].groups["level"]) <= {f"Level {n}" for n in range(1, 6)}


@given(st.binary(max_size=80), st.binary(max_size=80), st.integers(30, 120))
def test_a_row_fits_and_cuts_the_problems_head_first(problem, solution, length):
    context, kept = frame(problem, solution, length)
    inner = context.removeprefix(b"Problem:\n").removesuffix(b"\n\nSolution:\n")
    room = length - len(b"Problem:\n\n\nSolution:\n")
    assert problem.endswith(inner)
    assert kept == solution
    if len(problem) + len(solution) <= room:
        assert inner == problem
    else:
        assert len(inner) >= min(len(problem), room // 3)
        assert len(inner) + len(solution) <= room or len(inner) == min(len(problem), room // 3)


@pytest.mark.skipif("ARCHARENA_DATA" not in os.environ, reason="needs the real problems: set ARCHARENA_DATA")
def test_the_real_problems_give_the_known_counts_and_levels():
    data = Path(os.environ["ARCHARENA_DATA"])
    if MATH.find(data) is None:
        pytest.skip(MATH.missing(data))
    test = MATH.read(data, "test")
    assert test["level"].value_counts().sort_index().tolist() == [437, 894, 1131, 1214, 1324]
    task = Math(**Math.arguments["quick"])
    references = {
        score.name: score.value for score in task.reference_scores(task.splits(data, streams("math", "quick", 0)))
    }
    assert references["bigram"] < 4.0 < references["unigram"] < 5.5
