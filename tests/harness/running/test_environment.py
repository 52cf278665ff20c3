"""A run uses the GPUs that CUDA shows to this process, with names that child processes understand."""

import os

import pytest
from archarena.harness.errors import UserError
from archarena.harness.running import environment
from archarena.harness.running.child import child_environment
from archarena.harness.running.environment import device_ids, device_name, devices, resolve_device
from archarena.harness.running.executor import Local

NVIDIA_SMI = """#!/bin/sh
all="NVIDIA A100, 580.1
NVIDIA H100, 580.1"
case "$1 $2" in
  "--id 1") echo "NVIDIA H100, 580.1" ;;
  "--id GPU-7a") echo "NVIDIA A100, 580.1" ;;
  --id*) exit 6 ;;
  *) echo "$all" ;;
esac
"""


@pytest.fixture
def machine(monkeypatch, tmp_path):
    """Make nvidia-smi list two GPUs, and CUDA show the requested ones."""
    script = tmp_path / "nvidia-smi"
    script.write_text(NVIDIA_SMI)
    script.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setattr(environment.metadata, "version", lambda _: "2.13.0")

    def show(ids):
        devices.cache_clear()
        monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
        if ids is not None:
            monkeypatch.setenv("CUDA_VISIBLE_DEVICES", ids)

    yield show
    devices.cache_clear()


@pytest.mark.parametrize(
    ("shown", "ids", "name"),
    [
        (None, ("0", "1"), "cuda: NVIDIA A100"),
        ("1", ("1",), "cuda: NVIDIA H100"),
        ("GPU-7a", ("GPU-7a",), "cuda: NVIDIA A100"),
        ("MIG-3f", ("MIG-3f",), "cuda: NVIDIA A100"),
    ],
)
def test_cells_take_turns_on_the_gpus_that_cuda_shows(machine, shown, ids, name):
    machine(shown)
    assert resolve_device("auto") == "cuda"
    assert device_name("cuda") == name
    assert device_ids() == ids
    slots = Local(3, ids).slots
    assert slots == [ids[index % len(ids)] for index in range(3)]
    assert child_environment(1, slots[0])["CUDA_VISIBLE_DEVICES"] == ids[0]


@pytest.mark.parametrize("hidden", ["", "-1"])
def test_a_hidden_gpu_is_not_taken(machine, hidden):
    machine(hidden)
    assert resolve_device("auto") == "cpu"
    with pytest.raises(UserError, match="make one visible, or use --device cpu"):
        resolve_device("cuda")


def test_a_gpu_is_of_no_use_to_a_torch_for_cpus(machine, monkeypatch):
    machine(None)
    monkeypatch.setattr(environment.metadata, "version", lambda _: "2.13.0+cpu")
    assert resolve_device("auto") == "cpu"
    with pytest.raises(UserError, match=r"torch 2\.13\.0\+cpu is a CPU-only build; install one for CUDA"):
        resolve_device("cuda")
