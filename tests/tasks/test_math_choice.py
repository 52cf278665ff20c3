import numpy as np
import pandas as pd
import pytest
from archarena.harness import UserError
from archarena.tasks.byte_rows import IGNORE
from archarena.tasks.grading.canonical import canonical
from archarena.tasks.math_choice import LONGEST_ANSWER, OPTIONS, choice_scores, choice_split

ANSWERS = [r"\frac{1}{2}", "0.5", "1/2", "2", "2.0", "x=2", "3", "-3", r"\sqrt{2}", r"\sqrt2", "(1,2)", "(1, 2)"]


def problems(rows: int = 240) -> pd.DataFrame:
    """Return problems of two subjects whose answers have different forms, with many equivalent answers."""
    table = []
    for n in range(rows):
        subject = ("Algebra", "Geometry")[n % 2]
        answer = ANSWERS[(n // 2) % len(ANSWERS)] if n % 2 == 0 else str(100 + n % 7)
        text = {"problem": f"problem {n}", "solution": rf"So $\boxed{{{answer}}}$.", "type": subject}
        table.append(text | {"level": "Level 1"})
    return pd.DataFrame(table)


def options(split, length: int) -> list[list[str]]:
    """Return the options of every problem as text, decoded from the candidate tokens."""
    rows = split.inputs["candidates"].reshape(len(split.targets), 2, OPTIONS, length)
    assert (np.sort(rows[:, 0], axis=-1) == np.sort(rows[:, 1], axis=-1)).all()
    spell = [[bytes((row[row != IGNORE] - 1).tolist()).decode() for row in problem[0]] for problem in rows]
    assert all(option.endswith("}") for problem in spell for option in problem)
    return [[option[:-1] for option in problem] for problem in spell]


def contexts(split) -> list[str]:
    scored = (split.inputs["candidates"] != IGNORE).argmax(1)
    rows = zip(split.inputs["tokens"], scored, strict=True)
    return [bytes((tokens[: first + 1] - 1).tolist()).decode() for tokens, first in rows]


@pytest.fixture(scope="module")
def split():
    return choice_split(problems(), 240, 96, np.random.default_rng(0))


def test_no_two_options_are_equivalent_and_all_come_from_the_subject(split):
    geometry = {str(100 + n) for n in range(7)}
    for subject, offered in zip(split.groups["subject"], options(split, 96), strict=True):
        assert len({canonical(option) for option in offered}) == OPTIONS
        assert all((option in geometry) == (subject == "Geometry") for option in offered)


def test_the_target_is_the_problems_own_answer(split):
    own = {row.problem: row.solution[len(r"So $\boxed{") : -len("}$.")] for row in problems().itertuples()}
    asked = [context.split("\n")[1] for context in contexts(split)[:: 2 * OPTIONS]]
    for problem, offered, right in zip(asked, options(split, 96), split.targets, strict=True):
        assert offered[right] == own[problem]


def test_the_second_half_of_the_rows_lacks_the_problem(split):
    halves = np.array(contexts(split)).reshape(-1, 2, OPTIONS)
    assert all("problem" in context for context in halves[:, 0].ravel())
    assert set(halves[:, 1].ravel()) == {"Problem:\n\n\nSolution:\nThe answer is $\\boxed{"}
    assert (halves[:, 0] == halves[:, 0, :1]).all()


def test_the_right_options_place_is_uniform(split):
    from scipy.stats import chisquare

    assert chisquare(np.bincount(split.targets, minlength=OPTIONS)).pvalue > 0.001


def test_it_is_a_pure_function_of_the_stream(split):
    again = choice_split(problems(), 240, 96, np.random.default_rng(0))
    other = choice_split(problems(), 240, 96, np.random.default_rng(1))
    assert all(np.array_equal(split.inputs[name], again.inputs[name]) for name in split.inputs)
    assert not np.array_equal(split.targets, other.targets)


def test_a_long_problem_keeps_its_end_and_every_option_whole():
    table = problems().assign(problem=[f"{'long ' * 40}end {n}" for n in range(240)])
    cut = choice_split(table, 20, 80, np.random.default_rng(0))
    assert all(len(offered) == OPTIONS for offered in options(cut, 80))
    assert all("end " in context for context in np.array(contexts(cut)).reshape(-1, 2, OPTIONS)[:, 0].ravel())


def test_problems_without_a_short_answer_are_not_asked():
    table = problems()
    table.loc[:99, "solution"] = "no answer"
    table.loc[100:149, "solution"] = rf"$\boxed{{{'1' * (LONGEST_ANSWER + 1)}}}$"
    assert len(choice_split(table, 240, 96, np.random.default_rng(0)).targets) == 90


def test_too_few_different_answers_are_told():
    table = problems().assign(solution=r"$\boxed{1}$")
    with pytest.raises(UserError, match="too few different answers"):
        choice_split(table, 10, 96, np.random.default_rng(0))


def test_reference_scores_come_from_rules_that_do_not_read(split):
    sizes = np.array([[len(option) for option in offered] for offered in options(split, 96)])
    references = {score.name: score.value for score in choice_scores(split)}
    assert references["first answer"] == np.mean(split.targets == 0)
    assert references["longest answer"] == np.mean(split.targets == sizes.argmax(1))
    assert references["shortest answer"] == np.mean(split.targets == sizes.argmin(1))
