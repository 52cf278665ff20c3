"""Measures how fast answers are graded: ``pytest tests/benchmarks/test_grading.py --numprocesses 0``.

Grades 100 pairs, or ARCHARENA_BENCH_PAIRS; use at least 500 to measure. The correct answers are from the MATH test
set if ARCHARENA_DATA has it.
Each is compared with itself in another notation and with the answers of other problems, to exercise every stage.
"""

import os
import time
from collections import Counter
from itertools import islice
from pathlib import Path

import pytest
from archarena.tasks.grading import Grader, boxed_answer
from archarena.tasks.math import MATH

PAIRS = int(os.environ.get("ARCHARENA_BENCH_PAIRS", "100"))


def answer_pairs(golds: list[str]):
    """Yield distinct pairs: equal ones in different notations, then pairs that are almost all different."""
    for gold in dict.fromkeys(golds):
        yield gold, rf"\left( {gold} \right)".replace(r"\frac", r"\dfrac").replace("+", " + ")
    seen = set()
    for shift in range(1, len(golds)):
        for pair in zip(golds, golds[shift:], strict=False):
            if pair not in seen:
                seen.add(pair)
                yield pair


@pytest.mark.skipif("ARCHARENA_DATA" not in os.environ, reason="needs the real answers: set ARCHARENA_DATA")
def test_grading(benchmark, capsys):
    data = Path(os.environ["ARCHARENA_DATA"])
    if MATH.find(data) is None:
        pytest.skip(MATH.missing(data))
    golds = [boxed_answer(solution) for solution in MATH.read(data, "test")["solution"]]
    pairs = list(islice(answer_pairs([gold for gold in golds if gold]), PAIRS))
    assert len(set(pairs)) == PAIRS

    spent = []

    def grade():
        start = time.perf_counter()
        with Grader() as grader:
            verdicts = grader.grade(pairs)
        spent.append(time.perf_counter() - start)
        return verdicts

    verdicts = benchmark.pedantic(grade, rounds=1)
    layers = Counter(verdict.layer for verdict in verdicts)
    assert layers["timeout"] + layers["failed"] == 0
    with capsys.disabled():
        equal = sum(verdict.equal for verdict in verdicts)
        print(f"\n{PAIRS} pairs in {spent[0]:.1f} s, {equal} the same; decided by {dict(layers)}")
