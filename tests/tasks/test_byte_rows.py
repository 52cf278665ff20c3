import numpy as np
from archarena.tasks.byte_rows import END, IGNORE, byte_rows, continuations
from hypothesis import given
from hypothesis import strategies as st


@given(st.lists(st.binary(max_size=12), min_size=1, max_size=5))
def test_rows_keep_the_head_of_each_text(texts):
    tokens, lengths = byte_rows(texts, 8)
    for text, row, length in zip(texts, tokens, lengths, strict=True):
        head = text[:8]
        assert length == max(1, len(head))
        assert row.tolist() == [byte + 1 for byte in head] + [0] * (8 - len(head))


def test_only_the_continuation_is_scored_and_the_end_mark_follows():
    rows = continuations([(b"ab", b"cd")], 6, end=True)
    assert rows.tokens.tolist() == [[98, 99, 100, 101, 0, 0]]
    assert rows.scored.tolist() == [[IGNORE, 100, 101, END, IGNORE, IGNORE]]
    assert rows.lengths.tolist() == [4]


def test_without_an_end_mark_the_last_byte_is_a_target_only():
    rows = continuations([(b"ab", b"cd")], 6, end=False)
    assert rows.tokens.tolist() == [[98, 99, 100, 0, 0, 0]]
    assert rows.scored.tolist() == [[IGNORE, 100, 101, IGNORE, IGNORE, IGNORE]]


@given(st.binary(min_size=1, max_size=6), st.binary(min_size=1, max_size=20), st.integers(8, 16))
def test_every_target_is_the_token_that_follows(context, continuation, length):
    rows = continuations([(context, continuation)], length, end=True)
    scored = np.flatnonzero(rows.scored[0] != IGNORE)
    assert len(scored) == min(len(continuation) + 1, length - len(context) + 1)
    inside = scored[scored + 1 < rows.lengths[0]]
    assert (rows.tokens[0, inside + 1] == rows.scored[0, inside]).all()
