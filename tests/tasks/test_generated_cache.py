"""Cached rows are found again, keyed by everything that determines them, and regenerated if damaged."""

import numpy as np
import pytest
from archarena.harness.files import cache_folder
from archarena.tasks.generated import generated


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("ARCHARENA_CACHE", str(tmp_path))
    return tmp_path


class Maker:
    """Counts its calls."""

    def __init__(self):
        self.calls = 0

    def __call__(self, generator):
        self.calls += 1
        return {
            "pixels": generator.integers(0, 256, (50, 4, 4), dtype=np.uint8),
            "labels": generator.integers(0, 2, 50),
            "numbers": generator.random((50, 3), dtype=np.float32),
        }


def make(maker, seed=0, version=1, arguments=None, worth_seconds=0.0):
    stream = np.random.default_rng(seed)
    arrays = generated("example", version, arguments or {"rows": 50}, (stream,), maker, worth_seconds)
    return arrays, stream.random()


def test_a_second_run_reads_what_the_first_one_made():
    maker = Maker()
    (first, after), (second, after_again) = make(maker), make(maker)
    assert maker.calls == 1
    assert after == after_again
    for name, array in first.items():
        np.testing.assert_array_equal(array, second[name])
        assert array.dtype == second[name].dtype


@pytest.mark.parametrize("change", [{"seed": 1}, {"version": 2}, {"arguments": {"rows": 51}}])
def test_another_seed_version_or_argument_is_another_set(change):
    maker = Maker()
    make(maker)
    make(maker, **change)
    assert maker.calls == 2


def test_a_damaged_set_is_told_in_one_sentence_and_made_anew(capsys):
    maker = Maker()
    intact, _ = make(maker)
    (file,) = cache_folder("generated").glob("*/pixels/*.arrow")
    content = bytearray(file.read_bytes())
    place = bytes(content).find(intact["pixels"].tobytes()[:64])
    content[place] ^= 1
    file.write_bytes(content)
    again, _ = make(maker)
    assert maker.calls == 2
    np.testing.assert_array_equal(again["pixels"], intact["pixels"])
    assert capsys.readouterr().err.count("\n") == 1
    make(maker)
    assert maker.calls == 2


def test_what_is_made_quickly_is_not_kept():
    make(Maker(), worth_seconds=60.0)
    assert not cache_folder("generated").exists()


def test_a_cache_that_cannot_be_written_does_no_harm(capsys, cache):
    (cache / "generated").write_text("a file where the folder should be")
    arrays, _ = make(Maker())
    assert len(arrays["labels"]) == 50
    assert "cannot cache" in capsys.readouterr().err
