"""All contestants of a workload compute the same function as its reference, at small sizes."""

import pytest
import torch
from archarena.harness.bench.kernels import relative_error, worst_error
from archarena.harness.bench.workloads import load
from archarena.harness.errors import UserError
from archarena.kernels.workload import Peer

WORKLOADS = load()
CPU = torch.device("cpu")
each_workload = pytest.mark.parametrize("workload", WORKLOADS, ids=lambda w: f"{w.kernel}: {w.case}")


@each_workload
def test_the_kernel_agrees_with_its_reference(workload):
    assert worst_error(workload, CPU, torch.float32) < 1e-5


@each_workload
def test_plain_torch_computes_the_same(workload):
    inputs = workload.inputs("check", CPU, torch.float64)
    expected = workload.reference(**inputs)
    for name, contestant in workload.plain.items():
        if "torch.compile" not in name:
            found = contestant.run(**contestant.prepare(inputs))
            assert relative_error(found, expected) < 1e-6, name


@each_workload
def test_costs_grow_with_the_batch_and_backward_costs_more(workload):
    sizes = workload.sizes["cuda"]
    flops, moved = workload.cost(sizes, backward=False, itemsize=4)
    twice_flops, twice_moved = workload.cost({**sizes, "B": 2 * sizes["B"]}, backward=False, itemsize=4)
    assert twice_flops >= flops >= 0
    assert moved < twice_moved <= 2 * moved
    assert workload.cost(sizes, backward=True, itemsize=4) > (flops, moved)


@pytest.mark.parametrize("kernel", ["selective_scan", "linear_recurrence", "ema", "depthwise_conv"])
def test_what_is_checked_on_a_gpu_is_the_binary_that_is_timed(kernel):
    for workload in load([kernel]):
        check, timed = workload.sizes["check"], workload.sizes["cuda"]
        for name in check.keys() - {"B", "K"}:
            assert check[name] % 16 == timed[name] % 16 == 0, "sizes that are multiples of 16 get another binary"


def test_an_unknown_kernel_is_told():
    with pytest.raises(UserError, match=r"no kernel 'selectiv_scan'\. Did you mean 'selective_scan'"):
        load(["selectiv_scan"])


def test_a_peer_that_does_not_compete_says_why():
    assert Peer("no_such_package", dict).find("cpu") == "no_such_package is not installed."
    assert Peer("torch", dict, ("cuda",)).find("cpu") == "torch runs on cuda only."

    def broken():
        raise ImportError("libcudart is missing")

    assert Peer("torch", broken).find("cpu") == "torch is installed, but does not load: libcudart is missing"
