"""Measured costs: operations are counted if their formula is known, and times are plausible."""

import time

import numpy as np
import pytest
import torch
from archarena.harness import build
from archarena.harness.records.record import Cost
from archarena.harness.training.cost import (
    StepClock,
    energy_joules,
    forward_flops,
    inference_ms,
    peak_memory,
    state_bytes,
    throughput,
    tokens_per_row,
)
from archarena.harness.training.rows import Rows
from torch import nn

CPU = torch.device("cpu")


class Linear(nn.Module):
    def __init__(self):
        super().__init__()
        self.linear = nn.Linear(8, 16, bias=False)

    def forward(self, values):
        return self.linear(values).mean(1)


@pytest.fixture
def rows():
    return Rows({"values": np.ones((4, 5, 8), np.float32)}, None, CPU)


def test_a_matrix_product_counts_two_operations_an_entry_for_one_row(rows):
    assert forward_flops(Linear(), rows) == 2 * 5 * 8 * 16


def test_kernels_register_their_operations():
    from archarena.harness import NextToken, Size, TaskSpec, Tokens, get_model

    model = build(get_model("mamba"), TaskSpec(Tokens(7, 12), NextToken(7), causal=True), Size(16, 1))
    tokens = Rows({"tokens": np.ones((2, 12), np.uint8)}, None, CPU)
    products = 12 * 2 * sum(p.numel() for p in model.parameters() if p.ndim == 2 and p.shape != (7, 16))
    assert forward_flops(model, tokens) > products * 0.9


def test_energy_is_the_counter_that_the_installed_package_reads_in_joules(monkeypatch):
    pynvml = pytest.importorskip("pynvml")
    monkeypatch.setattr(torch.cuda, "_get_pynvml_handler", lambda device: device.type)
    monkeypatch.setattr(pynvml, "nvmlDeviceGetTotalEnergyConsumption", lambda handle: {"cuda": 4500}[handle])
    assert energy_joules(torch.device("cuda")) == 4.5
    assert energy_joules(CPU) is None


def test_the_clock_adds_up_only_what_it_is_held_around():
    clock = StepClock(CPU)
    for _ in range(3):
        with clock:
            time.sleep(0.01)
    time.sleep(0.05)
    assert 0.03 <= clock.take() < 0.06
    assert clock.take() == 0
    assert set(clock.quantiles_ms()) == {"p10", "p50", "p90"}


class Device:
    """A stand-in for a GPU: work and events are queued, and happen when the host waits for them."""

    def __init__(self):
        self.now, self.queue, self.waits = 0.0, [], 0

    def event(self, enable_timing):
        return Event(self)

    def work(self, milliseconds):
        self.queue.append(lambda: setattr(self, "now", self.now + milliseconds))

    def synchronize(self):
        self.waits += 1
        while self.queue:
            self.queue.pop(0)()


class Event:
    def __init__(self, device):
        self.device, self.time = device, None

    def record(self):
        self.device.queue.append(lambda: setattr(self, "time", self.device.now))

    def elapsed_time(self, end):
        assert not self.device.queue, "read before the device was waited for"
        return end.time - self.time


@pytest.fixture
def gpu(monkeypatch):
    device = Device()
    monkeypatch.setattr(torch.cuda, "Event", device.event)
    monkeypatch.setattr(torch.cuda, "synchronize", device.synchronize)
    return device


def test_on_a_gpu_the_clock_adds_up_device_time_and_waits_only_when_it_is_read(gpu):
    clock = StepClock(torch.device("cuda"))
    for milliseconds in (10.0, 20.0, 30.0):
        with clock:
            gpu.work(milliseconds)
        gpu.work(1000.0)
    assert gpu.waits == 0
    assert clock.take() == pytest.approx(0.06)
    assert clock.seconds == pytest.approx([0.01, 0.02, 0.03])
    with clock:
        gpu.work(5.0)
    assert clock.take() == pytest.approx(0.005)
    assert clock.take() == 0
    assert gpu.waits == 2
    assert clock.quantiles_ms()["p50"] == pytest.approx(17.5), "the middle of the later two steps"


def test_on_a_gpu_time_in_which_the_process_is_stopped_does_not_count(gpu, monkeypatch):
    stopped = iter([0.0, 0.0, 0.0, 2.0])
    monkeypatch.setattr("archarena.harness.training.cost.stopped_seconds", lambda: next(stopped))
    clock = StepClock(torch.device("cuda"))
    for milliseconds in (10.0, 2015.0):
        with clock:
            gpu.work(milliseconds)
    assert clock.take() == pytest.approx(0.025)


def test_latency_is_given_a_row(rows):
    assert 0 < inference_ms(Linear(), rows, batch=4) < 100


def test_throughput_counts_rows_and_tokens(rows):
    cost = Cost(train_seconds=2.0)
    throughput(cost, samples=40, tokens=tokens_per_row(rows))
    assert (cost.samples_per_second, cost.tokens_per_second) == (20, 100)


def test_memory_is_in_bytes():
    assert peak_memory(CPU)["peak_rss_bytes"] > 2**20


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("mamba", 2 * 4 * 32 * (16 + 3)),  # two blocks: state and the convolution's last inputs, of 32 channels
        ("transformer", 2 * 4 * 16 * (2 * 12 + 2)),  # keys and values at 12 positions, the convolution's last two
        ("mlp", None),
    ],
)
def test_a_rows_state_is_counted_over_all_layers_at_the_tasks_length(name, expected):
    from archarena.harness import NextToken, Size, TaskSpec, Tokens, get_model

    model = build(get_model(name), TaskSpec(Tokens(7, 12), NextToken(7), causal=True), Size(16, 2))
    assert state_bytes(model) == (expected if model.steps_itself else None)
