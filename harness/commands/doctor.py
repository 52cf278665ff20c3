"""``archarena doctor``: check that this machine has what a run needs."""

from __future__ import annotations

import shlex
import shutil
from collections.abc import Callable
from importlib import metadata
from pathlib import Path

import typer

from .options import Data, Results
from .output import say


def command(results: Results = Path("results"), data: Data = None) -> None:
    """Check the device, torch, compiler, triton, registry, data and disk, one line each.

    Exit code: 0 if runs will work, 1 if something they need is missing.

    Example: archarena doctor
    """
    checks: dict[str, Callable[[], tuple[bool, str]]] = {
        "device": _device,
        "torch": _torch,
        "compiler": _compiler,
        "triton": _triton,
        "registry": _registry,
        "data": lambda: _data(data),
        "disk": lambda: free_space(results),
    }
    missing = 0
    for name, check in checks.items():
        try:
            good, detail = check()
        except Exception as error:  # report any failure as a finding
            good, detail = False, f"{type(error).__name__}: {error}"
        missing += not good
        say(f"{'ok     ' if good else 'missing'} {name}: {detail}")
    if missing:
        raise typer.Exit(1)


def _device() -> tuple[bool, str]:
    from ..running.environment import environment, gpus, resolve_device

    device = resolve_device("auto")
    found = environment(device)
    return True, f"{found['device']}; {found['cores']} cores, {found['memory_gib']} GiB, {len(gpus())} GPUs"


def _torch() -> tuple[bool, str]:
    import torch

    from ..running.environment import gpus

    if gpus() and not torch.cuda.is_available():
        return False, f"{torch.__version__} does not see the GPU: install a CUDA build"
    total = float(torch.ones(3).sum())
    return total == 3, f"{torch.__version__}, {torch.get_num_threads()} threads"


def _compiler() -> tuple[bool, str]:
    from ...kernels.native import CompileError, find_compiler

    try:
        return True, shlex.join(find_compiler())
    except CompileError as error:
        return True, f"none; kernels fall back to torch, which is several times slower on a CPU: {error}"


def _triton() -> tuple[bool, str]:
    try:
        return True, metadata.version("triton")
    except metadata.PackageNotFoundError:
        return True, "none; GPU kernels fall back to torch"


def _registry() -> tuple[bool, str]:
    from ..contract.registry import discover

    registry = discover()
    detail = f"{len(registry.models)} models, {len(registry.tasks)} tasks"
    return not registry.problems, " ".join([detail, *registry.problems])


def _data(given: Path | None) -> tuple[bool, str]:
    from ..contract.data_source import data_folder
    from ..contract.registry import discover
    from ..data.sources import statuses

    folder = data_folder(given)
    sources = statuses(discover(), folder)
    absent = [source.name for source in sources if not source.path]
    return True, f"{folder}: {len(sources) - len(absent)} of {len(sources)} sets; absent: {', '.join(absent) or 'none'}"


def free_space(results: Path) -> tuple[bool, str]:
    place = next(path for path in [results.resolve(), *results.resolve().parents] if path.exists())
    free = shutil.disk_usage(place).free / 2**30
    return free > 1, f"{free:.0f} GiB free at {place}"
