"""The environment of a trial: what is needed to judge or reproduce a result."""

from __future__ import annotations

import importlib.util
import os
import platform
import subprocess
from functools import cache
from importlib import metadata
from itertools import takewhile
from pathlib import Path
from typing import Any, NamedTuple

import psutil

from ..errors import UserError

_PACKAGES = ("archarena", "torch", "triton", "numpy", "scikit-learn", "datasets")


def torch_version() -> str:
    """Return torch's ``major.minor`` without importing it."""
    return ".".join(metadata.version("torch").split("+")[0].split(".")[:2])


class Gpu(NamedTuple):
    """A GPU, or the GPU that a MIG instance is a part of."""

    id: str
    """Its name in ``CUDA_VISIBLE_DEVICES``."""
    name: str
    driver: str


@cache
def gpus() -> tuple[Gpu, ...]:
    """Return the GPUs visible to this process, without creating a CUDA context."""
    try:
        import pynvml  # pyright: ignore[reportMissingImports] (not installed on macOS)
    except ImportError:
        return ()
    try:
        pynvml.nvmlInit()
        driver = pynvml.nvmlSystemGetDriverVersion()
        handles = [pynvml.nvmlDeviceGetHandleByIndex(index) for index in range(pynvml.nvmlDeviceGetCount())]
        shown = os.environ.get("CUDA_VISIBLE_DEVICES")
        ids = map(str, range(len(handles))) if shown is None else shown.split(",")
        chosen = ((gpu_id, _handle(pynvml, handles, gpu_id.strip())) for gpu_id in ids)
        visible = takewhile(lambda pair: pair[1] is not None, chosen)
        return tuple(Gpu(gpu_id, pynvml.nvmlDeviceGetName(handle), driver) for gpu_id, handle in visible)
    except pynvml.NVMLError:
        return ()


def _handle(nvml: Any, handles: list[Any], gpu_id: str) -> Any:
    """Return the handle of a GPU given by index, UUID or MIG UUID, or None: CUDA ignores the entries after it."""
    if gpu_id.startswith("MIG-"):
        return nvml.nvmlDeviceGetDeviceHandleFromMigDeviceHandle(nvml.nvmlDeviceGetHandleByUUID(gpu_id))
    if gpu_id.isdecimal():
        return handles[int(gpu_id)] if int(gpu_id) < len(handles) else None
    found = [handle for handle in handles if gpu_id and nvml.nvmlDeviceGetUUID(handle).startswith(gpu_id)]
    return found[0] if len(found) == 1 else None


def resolve_device(wanted: str) -> str:
    """Return ``cpu`` or ``cuda`` for ``auto``, ``cpu`` or ``cuda``.

    Raises
    ------
    UserError
        For any other value, or for ``cuda`` if there is no GPU or torch was built without CUDA.
    """
    if wanted not in ("auto", "cpu", "cuda"):
        raise UserError(f"--device {wanted}: use auto, cpu or cuda.")
    if wanted == "cpu":
        return "cpu"
    lacking = _why_not_cuda()
    if wanted == "cuda" and lacking:
        raise UserError(f"--device cuda: {lacking}, or use --device cpu.")
    return "cpu" if lacking else "cuda"


def _why_not_cuda() -> str | None:
    if not gpus():
        return "the NVIDIA driver lists no GPU allowed by CUDA_VISIBLE_DEVICES; make one visible"
    if metadata.version("torch").endswith("+cpu"):
        return f"torch {metadata.version('torch')} is a CPU-only build; install one for CUDA"
    return None


def device_name(device: str) -> str:
    """Return the device name that identifies results: ``cuda: NVIDIA H100`` or ``cpu: AMD EPYC``."""
    if device == "cuda":
        return f"cuda: {gpus()[0].name}"
    return f"cpu: {_processor()}"


@cache
def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        return next(line.split(":", 1)[1].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor() or platform.machine()


@cache
def environment(device: str) -> dict[str, Any]:
    """Return versions, processor, memory, GPU driver, and the commit if running from a git checkout."""
    found = {
        "device": device_name(device),
        "python": platform.python_version(),
        "platform": platform.platform(),
        "processor": _processor(),
        "cores": os.cpu_count(),
        "memory_gib": round(psutil.virtual_memory().total / 2**30, 1),
        "packages": {name: version for name in _PACKAGES if (version := _version(name))},
        **_commit(),
    }
    return found | ({"driver": gpus()[0].driver} if device == "cuda" else {})


def _version(package: str) -> str | None:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None


def _commit() -> dict[str, Any]:
    """Return the commit of archarena's own source tree, and whether it had uncommitted changes."""
    spec = importlib.util.find_spec("archarena.harness")
    folder = Path(str(spec.origin)).parent if spec and spec.origin else Path(__file__).parent
    commit = _git(folder, "rev-parse", "HEAD")
    if not commit or _git(folder, "ls-files", "--error-unmatch", "contract/registry.py") is None:
        return {}
    return {"commit": commit, "uncommitted_changes": bool(_git(folder, "status", "--porcelain", "--", "."))}


def _git(folder: Path, *arguments: str) -> str | None:
    try:
        done = subprocess.run(["git", *arguments], cwd=folder, capture_output=True, text=True, timeout=10, check=True)
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.strip()
