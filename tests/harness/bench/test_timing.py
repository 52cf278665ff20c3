"""The GPU clock on a machine without a GPU: which calls it captures as a graph."""

from contextlib import nullcontext

import pytest
import torch
from archarena.harness.bench.timing import SHORT_SECONDS, WARM_UP_SECONDS, GpuClock, race


class Device:
    """Replaces torch.cuda: calls take `seconds`, and may wait for the device."""

    def __init__(self, seconds):
        self.seconds, self.clock, self.mode, self.log = seconds, 0.0, "default", []
        self.capturing = False

    def call(self, index, waits=False):
        self.log.append(index)
        self.clock += self.seconds
        if waits and self.mode == "error":
            raise RuntimeError("called a synchronizing CUDA operation")
        assert not (waits and self.capturing), "a capture was aborted"


@pytest.fixture
def device(monkeypatch):
    made = Device(SHORT_SECONDS / 2)

    class Event:
        def __init__(self, **_):
            self.at = 0.0

        def record(self):
            self.at = made.clock

        def synchronize(self):
            pass

        def elapsed_time(self, end):
            return 1e3 * (end.at - self.at)

    class Graph:
        def replay(self):
            made.log.append("replay")
            made.clock += made.seconds

    class Capture:
        def __init__(self, graph, stream):
            pass

        def __enter__(self):
            made.capturing = True

        def __exit__(self, *_):
            made.capturing = False

    fakes = {"Event": Event, "CUDAGraph": Graph, "graph": Capture, "current_stream": nullcontext}
    fakes |= {"synchronize": lambda: None, "get_sync_debug_mode": lambda: made.mode}
    fakes |= {"set_sync_debug_mode": lambda mode: setattr(made, "mode", mode)}
    for name, fake in fakes.items():
        monkeypatch.setattr(torch.cuda, name, fake)
    return made


def test_a_short_call_is_replayed_from_a_graph_after_the_clocks_have_risen(device):
    timing = race({"short": device.call}, GpuClock(), sets=1, seconds=0.0)["short"]
    assert timing.seconds == pytest.approx(device.seconds)
    assert device.log[-1] == "replay"
    assert device.log.count(0) * device.seconds >= WARM_UP_SECONDS


def test_a_call_that_waits_for_the_device_is_never_captured(device):
    timing = race({"waits": lambda i: device.call(i, waits=True)}, GpuClock(), sets=1, seconds=0.0)["waits"]
    assert timing.seconds == pytest.approx(device.seconds)
    assert "replay" not in device.log
    assert device.mode == "default"


def test_a_long_call_is_warmed_up_once(device):
    device.seconds = 1.0
    race({"long": device.call}, GpuClock(), sets=1, seconds=0.0)
    assert device.log == [0, 0, 0]


def test_input_sets_are_passed_through_in_turn_and_a_call_is_their_mean(device):
    device.seconds = 1.0
    timing = race({"long": device.call}, GpuClock(), sets=3, seconds=0.0)["long"]
    assert device.log == [0, 1, 2] * 3
    assert timing.seconds == pytest.approx(1.0)
