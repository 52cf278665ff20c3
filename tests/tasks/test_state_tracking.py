"""State tracking tasks against their definitions: bits counted, expressions evaluated, permutations composed."""

from itertools import permutations
from pathlib import Path

import numpy as np
import pytest
from archarena.harness import Streams, get_task
from archarena.harness.data.seeds import generator
from archarena.tasks.groups import alternating, symmetric

LENGTHS = {"state-parity": 12, "state-arithmetic": 11, "state-s3": 8, "state-s5": 6}


def make(name: str):
    task = get_task(name)(length=LENGTHS[name], times=[2, 4], train=600, valid=50, test=300)
    return task, task.splits(Path(), Streams(generator("train"), generator("fixed")))


@pytest.fixture(scope="module", params=LENGTHS)
def case(request):
    return request.param, *make(request.param)


def parity(symbols: list[int]) -> int:
    return sum(symbols) % 2


def arithmetic(symbols: list[int]) -> int:
    """Evaluate with Python's own precedence."""
    return eval("".join("01234+-*"[symbol] for symbol in symbols)) % 5


def product(points: int, symbols: list[int], alphabet: list[str] | None = None) -> int:
    elements = list(permutations(range(points)))
    state = tuple(range(points))
    for symbol in symbols:
        images = elements[symbol] if alphabet is None else map(int, alphabet[symbol])
        state = tuple(state[i] for i in images)
    return elements.index(state)


EXPECTED = {
    "state-parity": parity,
    "state-arithmetic": arithmetic,
    "state-s3": lambda symbols: product(3, symbols),
    "state-s5": lambda symbols: product(5, symbols),
}


def test_targets_are_the_states_of_every_prefix(case):
    name, _, splits = case
    for split in (splits.train, splits.valid, *splits.tests.values()):
        for tokens, targets in zip(split.inputs["tokens"][:20], split.targets[:20], strict=True):
            for position in np.flatnonzero(targets != -100):
                assert targets[position] == EXPECTED[name]((tokens[: position + 1] - 1).tolist())


def test_each_column_scores_the_positions_that_it_names(case):
    name, task, splits = case
    length, every = LENGTHS[name], 2 if name == "state-arithmetic" else 1
    scored = {test: np.flatnonzero((split.targets != -100).all(0)).tolist() for test, split in splits.tests.items()}
    assert scored == {
        "test": list(range(0, length, every)),
        "last": [length - 1],
        **{f"{n}x": [p for p in range(0, n * length, every) if p >= length] for n in (2, 4)},
    }
    assert [evaluation.test for evaluation in task.evaluations] == list(scored)


def test_symbols_are_drawn_evenly(case):
    name, task, splits = case
    tokens = splits.tests["4x"].inputs["tokens"]
    columns = (
        [(tokens[:, ::2], 5), (tokens[:, 1::2] - 5, 3)] if name == "state-arithmetic" else [(tokens, task.symbols)]
    )
    for part, kinds in columns:
        shares = np.bincount(part.ravel(), minlength=kinds + 1)[1:] / part.size
        np.testing.assert_allclose(shares, 1 / kinds, atol=5 * np.sqrt(1 / kinds / part.size))


def test_a_window_knows_early_positions_and_nothing_later(case):
    _, task, splits = case
    references = {score.evaluation: score.value for score in task.reference_scores(splits)}
    assert references[""] > 1.2 / task.states
    for column in ("2x", "4x"):
        assert references[column] == pytest.approx(1 / task.states, abs=0.05)


def test_rows_may_draw_from_generators_of_the_group():
    task = get_task("state-s5")(length=40, times=[2], train=50, valid=5, test=50, alphabet=["10234", "12340"])
    splits = task.splits(Path(), Streams(generator("train"), generator("fixed")))
    test = splits.tests["test"]
    assert set(np.unique(test.inputs["tokens"])) == {1, 2}
    for tokens, targets in zip(test.inputs["tokens"][:5], test.targets[:5], strict=True):
        assert targets[-1] == product(5, (tokens - 1).tolist(), ["10234", "12340"])
    assert len(np.unique(test.targets)) == 120


@pytest.mark.parametrize(("table", "order"), [(symmetric(3), 6), (symmetric(5), 120), (alternating(5), 60)])
def test_tables_are_those_of_groups_with_identity_0(table, order):
    elements = np.arange(order)
    np.testing.assert_array_equal(table[0], elements)
    np.testing.assert_array_equal(table[:, 0], elements)
    assert (np.sort(table, axis=0) == elements[:, None]).all()
    assert (np.sort(table, axis=1) == elements).all()
    a, b, c = np.random.default_rng(0).integers(order, size=(3, 1_000))
    np.testing.assert_array_equal(table[table[a, b], c], table[a, table[b, c]])


@pytest.mark.parametrize(
    ("table", "counts"),
    [(symmetric(3), [0, 1, 3, 2]), (symmetric(5), [0, 1, 25, 20, 30, 24, 20]), (alternating(5), [0, 1, 15, 20, 0, 24])],
)
def test_element_orders_are_those_of_the_group(table, counts):
    elements = power = np.arange(len(table))
    order = np.ones(len(table), int)
    for _ in range(6):
        order += power != 0
        power = np.where(power != 0, table[power, elements], 0)
    assert np.bincount(order).tolist() == counts


def test_a_table_composes_permutations():
    even = [p for p in permutations(range(5)) if round(np.linalg.det(np.eye(5)[list(p)])) == 1]
    for a, b in [(3, 17), (59, 4), (22, 22)]:
        assert even[alternating(5)[a, b]] == tuple(even[a][i] for i in even[b])
