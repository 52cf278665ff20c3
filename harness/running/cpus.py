"""The number of CPUs that this process may use."""

from __future__ import annotations

import math
import os
from pathlib import Path, PurePosixPath


def usable_cpus(root: Path = Path("/")) -> int:
    """Return the number of CPUs by affinity, and by the quota of the control group if that is lower; at least 1.

    Parameters
    ----------
    root
        The folder that contains ``proc`` and ``sys``.
    """
    affinity = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(1, math.ceil(min(affinity, _quota(root))))


def _quota(root: Path) -> float:
    """Return the CPUs that the control groups of this process allow; infinite without a limit."""
    mount = root / "sys/fs/cgroup"
    quotas = [math.inf]
    for line in _text(root / "proc/self/cgroup").splitlines():
        _, controllers, group = [*line.split(":", 2), "", ""][:3]
        if not controllers:  # version 2
            files = [folder / "cpu.max" for folder in _folders(mount, group)]
            quotas += [_ratio(*[*_text(file).split(), "", ""][:2]) for file in files]
        elif "cpu" in controllers.split(","):
            for folder in _folders(mount / "cpu", group):
                quotas.append(_ratio(_text(folder / "cpu.cfs_quota_us"), _text(folder / "cpu.cfs_period_us")))
    return min(quotas)


def _folders(mount: Path, group: str) -> list[Path]:
    """Return the folder of a control group and those above it; in a container the group's own may be the mount."""
    path = PurePosixPath(group.lstrip("/"))
    return [mount / place for place in (path, *path.parents)]


def _ratio(quota: str, period: str) -> float:
    try:
        found = float(quota) / float(period)
    except (ValueError, ZeroDivisionError):  # no such file, or "max"
        return math.inf
    return found if found > 0 else math.inf


def _text(file: Path) -> str:
    try:
        return file.read_text().strip()
    except OSError:
        return ""
