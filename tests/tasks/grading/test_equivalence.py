"""81 pairs on which known graders disagree, and the results of the published string comparison."""

import csv
import logging
from pathlib import Path

import pytest
from archarena.tasks.grading.equivalence import equivalent
from archarena.tasks.grading.strict import strictly_equal

with (Path(__file__).parent / "pairs.tsv").open() as file:
    PAIRS = list(csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE))

OURS_DIFFER = {"9": "2/4 has the value of 1/2, and the value decides"}
"""Pairs on which our grader differs from the table; all are matters of policy."""


@pytest.fixture(autouse=True)
def quiet():
    logging.disable(logging.WARNING)
    yield
    logging.disable(logging.NOTSET)


@pytest.mark.parametrize("pair", PAIRS, ids=lambda pair: pair["number"])
def test_each_pair_is_told_apart_or_not(pair):
    expected = (pair["same"] == "same") != (pair["number"] in OURS_DIFFER)
    assert equivalent(pair["gold"], pair["answer"])[0] == expected


def test_we_take_the_other_side_in_matters_of_policy_alone():
    assert all(pair["policy"] for pair in PAIRS if pair["number"] in OURS_DIFFER)
    assert len(PAIRS) == 81
    assert sum(not pair["policy"] for pair in PAIRS) == 65


@pytest.mark.parametrize("pair", PAIRS, ids=lambda pair: pair["number"])
def test_the_strict_grader_is_as_blind_as_the_published_one(pair):
    assert strictly_equal(pair["gold"], pair["answer"]) == (pair["strict"] == "T")


@pytest.mark.parametrize(
    ("gold", "answer", "layer"),
    [
        (r"\frac{1}{2}", "0.5", "canonical"),
        (r"\frac{1}{3}", "0.3333333333", "rational"),
        (r"\sin^2 x + \cos^2 x", r"1 + 0x", "value"),
        (r"[1,3) \cup (5,\infty)", r"(5,\infty) \cup [1,3)", "canonical"),
        (r"1 < x < 2", "(1,2)", "math-verify"),
        ("7", "", "none"),
        ("7", "7" * 2_000, "none"),
    ],
)
def test_the_cheapest_layer_that_can_decides(gold, answer, layer):
    assert equivalent(gold, answer)[1] == layer
