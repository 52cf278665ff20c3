"""Each second of a trial counts for one phase."""

import time

import pytest
from archarena.harness.training.phases import phase, take_seconds


@phase("validate")
def validate():
    time.sleep(0.05)


@phase("train")
def train(passes):
    time.sleep(0.02)
    for _ in range(passes):
        validate()
    return passes


def test_time_in_an_inner_phase_does_not_count_for_the_outer_one():
    take_seconds()
    began = time.perf_counter()
    assert train(2) == 2
    seconds = take_seconds()
    assert seconds["validate"] >= 0.1
    assert seconds["train"] < seconds["validate"]
    assert sum(seconds.values()) <= time.perf_counter() - began
    assert take_seconds() == {}


def test_a_phase_that_fails_still_counts():
    @phase("predict")
    def fail():
        raise KeyError

    with pytest.raises(KeyError):
        fail()
    assert take_seconds().keys() == {"predict"}
