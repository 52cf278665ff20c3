import numpy as np
import pytest
from archarena.harness import Split, UserError
from archarena.tasks.rows import distinct_rows, first_occurrences, joined


def pairs_below(limit: int):
    generator = np.random.default_rng(0)
    return lambda n: generator.integers(limit, size=(n, 2))


def test_repeated_rows_keep_their_first_place():
    rows = np.array([[1, 2], [0, 1], [1, 2], [0, 0], [0, 1]])
    assert first_occurrences(rows).tolist() == [0, 1, 3]


def test_a_small_space_can_be_emptied_beside_held_out_rows():
    held_out = distinct_rows(pairs_below(5), 10)
    rest = distinct_rows(pairs_below(5), 15, held_out)
    assert len(np.unique(np.concatenate([held_out, rest]), axis=0)) == 25


def test_asking_for_more_rows_than_there_are_is_an_error():
    with pytest.raises(UserError, match="25 of 26"):
        distinct_rows(pairs_below(5), 26)


def test_rows_of_several_lengths_are_joined_with_padding_at_the_end():
    def split(tokens):
        tokens = np.array(tokens, np.int8)
        return Split({"tokens": tokens, "lengths": np.full(len(tokens), tokens.shape[1], np.int32)}, tokens + 1)

    whole = joined([split([[1, 2]]), split([[3, 4, 5], [6, 7, 8]])])
    assert whole.inputs["tokens"].tolist() == [[1, 2, 0], [3, 4, 5], [6, 7, 8]]
    assert whole.inputs["lengths"].tolist() == [2, 3, 3]
    assert whole.targets.tolist() == [[2, 3, -100], [4, 5, 6], [7, 8, 9]]
