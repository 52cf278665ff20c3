"""Runs the workloads of ``archarena bench kernels`` as tests: ``pytest tests/benchmarks --numprocesses 0``."""

import pytest
import torch
from archarena.harness.bench.workloads import load


@pytest.mark.parametrize("workload", load(), ids=lambda w: f"{w.kernel}: {w.case}")
def test_kernel(benchmark, workload):
    inputs = workload.inputs("check", torch.device("cpu"), torch.float32)
    y = benchmark.pedantic(workload.ours, kwargs=inputs, rounds=5, warmup_rounds=1)
    assert y.isfinite().all()
