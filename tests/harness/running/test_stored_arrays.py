"""Headers of safetensors files give the numbers that files hold, and damaged files one sentence."""

import os

import numpy as np
import pytest
import torch
from archarena.harness.errors import UserError
from archarena.harness.running.stored_arrays import distinct_numbers, read_header
from hypothesis import given
from hypothesis import strategies as st
from safetensors.torch import save, save_file

DTYPES = [torch.float32, torch.float64, torch.bfloat16, torch.float16, torch.int64, torch.uint8, torch.bool]


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
def test_shapes_and_numbers_are_those_of_the_arrays(tmp_path, dtype):
    arrays = {
        "one": torch.zeros(3, 5, dtype=dtype),
        "none": torch.zeros(0, 4, dtype=dtype),
        "single": torch.zeros((), dtype=dtype),
    }
    save_file(arrays, tmp_path / "x", metadata={"a": "b"})
    found = read_header(tmp_path / "x")
    assert {name: array.shape for name, array in found.items()} == {"one": (3, 5), "none": (0, 4), "single": ()}
    assert sum(array.numbers for array in found.values()) == 16


def test_equal_arrays_count_once(tmp_path):
    table = torch.randn(4, 5)
    save_file({"a": table, "b": table.clone(), "c": table.view(20).clone(), "d": table + 1}, tmp_path / "x")
    assert distinct_numbers(tmp_path / "x", read_header(tmp_path / "x").values()) == 60


WHOLE = save({"a": torch.arange(12.0).view(3, 4), "b": torch.ones(2)})


@given(st.integers(0, len(WHOLE) - 1), st.integers(1, 255), st.booleans())
def test_a_damaged_header_is_one_sentence_or_still_fits_its_bytes(tmp_path_factory, place, change, cut):
    path = tmp_path_factory.mktemp("damaged") / "x"
    damaged = bytearray(WHOLE)
    damaged[place] ^= change
    path.write_bytes(damaged[:place] if cut else damaged)
    try:
        found = read_header(path)
    except UserError:
        return
    assert all(0 <= array.begin <= array.end <= path.stat().st_size for array in found.values())


def test_a_pipe_and_a_huge_file_are_refused(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    np.save(tmp_path / "huge.npy", np.zeros(3))
    os.truncate(tmp_path / "huge.npy", 2**33)
    for name, words in (("pipe", "not a regular file"), ("huge.npy", "larger than 4096 MiB"), ("none", "is missing")):
        with pytest.raises(UserError, match=words):
            read_header(tmp_path / name)
