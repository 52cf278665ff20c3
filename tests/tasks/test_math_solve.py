"""Generated answers are extracted, graded, voted on and counted as by hand."""

import numpy as np
import pandas as pd
import pytest
from archarena.harness import UserError
from archarena.harness.training.generate import generate_text
from archarena.tasks.byte_rows import byte_rows, read_bytes
from archarena.tasks.grading import Grade
from archarena.tasks.math_solve import (
    ANY,
    MAJORITY,
    RIGHT,
    SHOTS,
    STRICT,
    UNANSWERED,
    Solving,
    _as_published,
    minerva_shots,
    solve_evaluations,
    solve_scores,
    solve_splits,
    written_answer,
)

SAMPLES = [
    [r"thus $\boxed{0.5}$", r"$\boxed{2}$", r"$\boxed{\frac12}$", "no box"],
    [r"$\boxed{3}$", r"$\boxed{4}$", r"$\boxed{4}$", r"$\boxed{4}$"],
    [r"$\boxed{7", "?", "?", "?"],
]
GOLDS = np.array([r"\frac{1}{2}", "3", "7"])


@pytest.fixture(scope="module")
def written():
    """Return samples as byte tokens, as a trained model generates them."""
    tokens, _ = byte_rows([text.encode() for row in SAMPLES for text in row], 24)
    return tokens.reshape(3, 4, 24)


@pytest.fixture
def learn():
    problems = [f"{start} and so on." for start in SHOTS]
    return pd.DataFrame({"problem": problems, "solution": [rf"It is $\boxed{{{n}}}$." for n in range(4)]})


@pytest.mark.parametrize(
    ("metric", "score"),
    [(RIGHT, 2 / 3), (STRICT, 2 / 3), (UNANSWERED, 1 / 3), (MAJORITY, 1 / 3), (ANY, 2 / 3)],
    ids=lambda value: getattr(value, "name", ""),
)
def test_each_column_counts_what_it_says(written, metric, score):
    assert metric.score(written, GOLDS) == pytest.approx(score)


def test_the_gain_of_more_samples_is_told(written):
    assert MAJORITY.detail(written, GOLDS) == {"samples": {1: 2 / 3, 2: 2 / 3, 4: 1 / 3}}
    assert ANY.detail(written, GOLDS) == {"samples": pytest.approx({1: 0.25, 2: 1 / 3 * (5 / 6 + 1 / 2), 4: 2 / 3})}


def test_bytes_of_a_writer_of_text_are_graded_like_tokens(written):
    class Writer:
        def generate(self, prompts, **how):
            return SAMPLES

    from archarena.harness import Decoding

    text = generate_text(Writer(), ["", "", ""], Decoding(24, samples=4), seed=0)
    assert RIGHT.score(text, GOLDS) == RIGHT.score(written, GOLDS)
    assert read_bytes(written)[0] == SAMPLES[0]


def test_an_answer_to_minervas_prompt_is_compared_as_by_its_authors():
    gold, text = r"12\text{ cm}", "Final Answer: The final answer is $12$ centimeters. I hope it is correct."
    grade = Grade(equal=True, strict=False, layer="canonical")
    assert _as_published(text, gold, "$12$ dollars", grade).strict
    assert not _as_published(text, gold, "13 cm", grade).strict
    assert _as_published(r"$\boxed{12}$ dollars", gold, "$12$ dollars", grade) == grade


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("Final Answer: The final answer is $[2,5)$. I hope it is correct.", "[2,5)"),
        (r"$\boxed{1}$ Final Answer: The final answer is $2$. I hope it is correct.", "2"),
        ("Final Answer: The final answer is $12$ dollars. I hope it is correct.", "$12$ dollars"),
        (r"Final Answer: The final answer is \((-6, 10)\). I hope it is correct.", "(-6, 10)"),
        (r"first $\boxed{1}$, then $\boxed{2}$", "2"),
        (r"$\boxed{1", None),
        ("", None),
    ],
)
def test_a_promised_answer_goes_before_a_boxed_one(text, answer):
    assert written_answer(text) == answer


def test_the_prompt_shows_the_four_problems_solved_in_their_order(learn):
    shots = minerva_shots(learn.iloc[::-1])
    assert [shots.index(start) for start in SHOTS] == sorted(shots.index(start) for start in SHOTS)
    assert shots.count("Final Answer: The final answer is $") == 4
    with pytest.raises(UserError, match="lack the prompt's problem that begins"):
        minerva_shots(learn.iloc[1:])


def test_prompts_leave_room_for_the_answer_and_answers_stay_apart(learn):
    test = pd.DataFrame(
        {"problem": ["Long " * 40, "Add 1 and 1.", "No box."], "solution": [r"$\boxed{2}$", r"$\boxed{2}$", "?"]}
    ).assign(type="Algebra", level="Level 1")
    size = Solving(problems=9, samples=2, voted=1, new_tokens=16)
    tests = solve_splits(learn, test, size, 64, np.random.default_rng(0))
    assert [len(split) for split in tests.values()] == [2, 1]
    assert tests["solve"].inputs["tokens"].shape == (2, 48)
    prompts = [row[0] for row in read_bytes(tests["solve"].inputs["tokens"][:, None])]
    assert all(prompt.endswith("\n\nSolution:\n") for prompt in prompts)
    assert all(text.endswith("Solution:") for text in tests["solve"].inputs["text"].tolist())
    assert solve_scores(tests)[0].value == 1.0


def test_greedy_and_sampled_answers_are_generated_once_each():
    columns = solve_evaluations(Solving(problems=3, samples=4, voted=2, new_tokens=8))
    assert len({column.predictions for column in columns}) == 2
    assert {column.decoding.samples for column in columns} == {1, 4}
