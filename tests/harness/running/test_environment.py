"""A run uses the GPUs that CUDA shows to this process, with names that child processes understand."""

import sys
from functools import partial
from types import SimpleNamespace

import pytest
from archarena.harness.errors import UserError
from archarena.harness.processes.environment import child_environment
from archarena.harness.running import environment
from archarena.harness.running.environment import device_name, gpus, resolve_device
from archarena.harness.running.executor import Local

NAMES = {"GPU-7a": "NVIDIA A100", "GPU-8b": "NVIDIA H100"}


class NoSuchDeviceError(Exception):
    pass


def by_uuid(uuid):
    if uuid != "MIG-3f":
        raise NoSuchDeviceError(uuid)
    return uuid


NVML = SimpleNamespace(
    NVMLError=NoSuchDeviceError,
    nvmlInit=lambda: None,
    nvmlSystemGetDriverVersion=lambda: "580.1",
    nvmlDeviceGetCount=lambda: len(NAMES),
    nvmlDeviceGetHandleByIndex=lambda index: list(NAMES)[index],
    nvmlDeviceGetHandleByUUID=by_uuid,
    nvmlDeviceGetDeviceHandleFromMigDeviceHandle={"MIG-3f": "GPU-8b"}.get,
    nvmlDeviceGetUUID=lambda handle: handle,
    nvmlDeviceGetName=NAMES.get,
)
"""The driver of a machine with two GPUs, the second with a MIG instance; a handle is a UUID."""


@pytest.fixture
def machine(monkeypatch):
    """Make the driver list two GPUs, and CUDA show the requested ones."""
    monkeypatch.setitem(sys.modules, "pynvml", NVML)
    monkeypatch.setattr(environment.metadata, "version", lambda _: "2.13.0")

    def show(ids):
        gpus.cache_clear()
        monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
        if ids is not None:
            monkeypatch.setenv("CUDA_VISIBLE_DEVICES", ids)

    yield show
    gpus.cache_clear()


@pytest.mark.parametrize(
    ("shown", "ids", "name"),
    [
        (None, ("0", "1"), "cuda: NVIDIA A100"),
        ("1", ("1",), "cuda: NVIDIA H100"),
        ("1,0", ("1", "0"), "cuda: NVIDIA H100"),
        ("0,-1,1", ("0",), "cuda: NVIDIA A100"),
        ("0,2", ("0",), "cuda: NVIDIA A100"),
        ("GPU-7a", ("GPU-7a",), "cuda: NVIDIA A100"),
        ("GPU-8", ("GPU-8",), "cuda: NVIDIA H100"),
        ("MIG-3f", ("MIG-3f",), "cuda: NVIDIA H100"),
    ],
)
def test_cells_take_turns_on_the_gpus_that_cuda_shows(machine, shown, ids, name):
    machine(shown)
    assert resolve_device("auto") == "cuda"
    assert device_name("cuda") == name
    assert tuple(gpu.id for gpu in gpus()) == ids
    assert gpus()[0].driver == "580.1"
    slots = Local(3, ids).slots
    assert slots == [ids[index % len(ids)] for index in range(3)]
    assert child_environment(1, slots[0])["CUDA_VISIBLE_DEVICES"] == ids[0]


@pytest.mark.parametrize("hidden", ["", "-1", "2", "GPU-", "MIG-4a"])
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


def test_a_machine_without_a_driver_or_its_package_has_no_gpu(machine, monkeypatch):
    machine(None)
    monkeypatch.setattr(NVML, "nvmlInit", partial(by_uuid, "no library"))
    assert gpus() == ()
    monkeypatch.setitem(sys.modules, "pynvml", None)
    gpus.cache_clear()
    assert gpus() == ()
