"""Scores per row: what is written is read, sizes are small, and bad files have a clear message."""

import zlib

import numpy as np
import pytest
from archarena.harness.errors import UserError
from archarena.harness.records.row_scores import KEPT_ROWS, RowScores
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.numpy import save

DRAW = np.random.default_rng(0)


@settings(max_examples=20)
@given(st.lists(st.floats(-1e6, 1e6, width=32, allow_subnormal=False), min_size=1, max_size=50))
def test_values_are_kept_to_three_digits(values):
    found = RowScores.from_bytes(RowScores.of({"a": np.array(values)}).to_bytes())
    np.testing.assert_allclose(found.columns["a"], values, rtol=2**-11)


def test_ones_and_zeros_are_exact_and_take_two_bits():
    right = DRAW.integers(2, size=8_000)
    content = RowScores.of({"a": right}).to_bytes()
    assert (RowScores.from_bytes(content).columns["a"] == right).all()
    assert len(content) < 2 * 8_000 / 8 + 200


def test_losses_take_at_most_three_bytes():
    assert len(RowScores.of({"a": DRAW.exponential(size=8_000)}).to_bytes()) < 3 * 8_000


def test_of_many_rows_the_same_sample_is_kept_in_every_record():
    rows = np.arange(3 * KEPT_ROWS, dtype=float)
    one, other = (RowScores.of({"a": values}).columns["a"] for values in (rows, 2 * rows))
    assert len(one) == KEPT_ROWS
    np.testing.assert_allclose(other, 2 * one, rtol=1e-2)


def test_a_record_names_its_scores(tmp_path):
    scores = RowScores.of({"a": np.ones(5), "b": np.zeros(3)})
    artifact = scores.write(tmp_path, "key")
    assert artifact.rows == {"a": 5, "b": 3}
    assert RowScores.read(artifact, tmp_path).columns["a"].tolist() == [1] * 5
    assert RowScores().write(tmp_path, "key") is None


@pytest.mark.parametrize(
    "content",
    [b"", b"not compressed", zlib.compress(b"not tensors"), zlib.compress(save({"a": np.array([np.nan], "f4")})),
     zlib.compress(save({"a": np.zeros((2, 2), "f4")}))],
    ids=["empty", "raw", "other", "not a number", "a matrix"],
)  # fmt: skip
def test_files_that_are_no_scores_are_refused(content):
    with pytest.raises(UserError, match="cores per row"):
        RowScores.from_bytes(content)


def test_a_file_that_expands_without_end_is_refused(monkeypatch):
    content = RowScores.of({"a": np.zeros(8_000)}).to_bytes()
    monkeypatch.setattr("archarena.harness.records.row_scores.LARGEST_BYTES", 1_000)
    with pytest.raises(UserError, match="cannot be read"):
        RowScores.from_bytes(content)
