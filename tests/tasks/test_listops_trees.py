import numpy as np
import pytest
from archarena.tasks import listops_trees
from archarena.tasks.listops_trees import VOCABULARY, draw_trees

RULES = {
    "[MIN": min,
    "[MAX": max,
    "[MED": lambda values: int(np.median(values)),
    "[SM": lambda values: sum(values) % 10,
}


def parse(words: list[str]) -> tuple[int, int]:
    """Return the value of a tree and its depth of operators, computed recursively from the text."""
    position = 0

    def node() -> tuple[int, int]:
        nonlocal position
        word = words[position]
        position += 1
        if word not in RULES:
            return int(word), 0
        arguments = []
        while words[position] != "]":
            arguments.append(node())
        position += 1
        assert 2 <= len(arguments) <= 10
        values, levels = zip(*arguments, strict=True)
        return RULES[word](list(values)), 1 + max(levels)

    result = node()
    assert position == len(words)
    return result


def texts(rows: np.ndarray) -> list[list[str]]:
    return [[VOCABULARY[token] for token in row if token] for row in rows[:, 1:]]


@pytest.fixture(scope="module")
def published() -> np.ndarray:
    return draw_trees(np.random.default_rng(0), 3_000, longer_than=500, shorter_than=2000)


@pytest.mark.parametrize("bounds", [(0, 20), (20, 100), (100, 400)])
def test_every_row_is_a_tree_with_its_value(bounds: tuple[int, int]):
    rows = draw_trees(np.random.default_rng(1), 300, longer_than=bounds[0], shorter_than=bounds[1])
    for value, words in zip(rows[:, 0], texts(rows), strict=True):
        assert bounds[0] < len(words) < bounds[1]
        assert parse(words)[0] == value


def test_published_trees_have_nine_levels_of_operators(published: np.ndarray):
    parsed = [parse(words) for words in texts(published[:100])]
    assert {levels for _, levels in parsed} == {9}
    assert [value for value, _ in parsed] == published[:100, 0].tolist()


def test_published_lengths(published: np.ndarray):
    lengths = (published[:, 1:] > 0).sum(axis=1)
    assert lengths.min() > 500
    assert lengths.max() < 2000
    assert lengths.mean() == pytest.approx(1_040, abs=25)
    np.testing.assert_allclose(np.percentile(lengths, [25, 50, 75]), [705, 958, 1_320], atol=50)


def test_published_values_favour_the_ends(published: np.ndarray):
    shares = np.bincount(published[:, 0], minlength=10) / len(published)
    np.testing.assert_allclose(shares[[0, 9]], [0.168, 0.169], atol=0.025)
    assert shares[1:9].min() > 0.055
    assert shares[1:9].max() < 0.11


def test_about_one_draw_in_twelve_is_kept():
    generator = np.random.default_rng(2)
    kept = sum(len(listops_trees._draw_chunk(generator, 500, 2000)) for _ in range(3))
    assert kept / (3 * listops_trees.CHUNK) == pytest.approx(0.083, abs=0.008)


def test_nodes_are_drawn_with_the_published_probabilities():
    roots, second = listops_trees._grow(np.random.default_rng(3), 100_000)[:2]
    inner = roots.arguments > 0
    assert inner.mean() == pytest.approx(0.25, abs=0.01)
    assert (second.arguments > 0).mean() == pytest.approx(0.25, abs=0.01)
    np.testing.assert_allclose(np.bincount(roots.arguments[inner])[2:] / inner.sum(), 1 / 9, atol=0.01)
    np.testing.assert_allclose(np.bincount(roots.content[inner]) / inner.sum(), 1 / 4, atol=0.015)
    np.testing.assert_allclose(np.bincount(roots.content[~inner]) / (~inner).sum(), 1 / 10, atol=0.01)
