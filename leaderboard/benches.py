"""Reports of ``archarena bench`` that lie in ``bench/`` of a results folder."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError

from ..harness.errors import UserError

SCHEMA = 1


class _Report(BaseModel):
    model_config = ConfigDict(extra="allow", allow_inf_nan=False)

    bench: str
    made: str = ""
    environment: dict[str, Any] = {}
    rows: list[dict[str, Any]] = []
    roofline: dict[str, Any] = {}
    published: dict[str, float] = {}


@dataclass(frozen=True)
class Bench:
    """One report: what was timed, on which device, its rows, and what they are laid beside."""

    what: str
    device: str
    made: str
    rows: tuple[dict[str, Any], ...]
    roofline: dict[str, Any]
    published: dict[str, float]


def read_benches(folders: Sequence[Path]) -> tuple[Bench, ...]:
    """Return the reports of all folders; of two on one device the newer one.

    Raises
    ------
    UserError
        If a report cannot be read.
    """
    found = [_read(path) for folder in folders for path in sorted((folder / "bench").glob("bench-*.json"))]
    newest = {(bench.what, bench.device): bench for bench in sorted(found, key=lambda bench: bench.made)}
    return tuple(newest[key] for key in sorted(newest))


def _read(path: Path) -> Bench:
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
        report = _Report.model_validate(values)
    except (OSError, ValueError, ValidationError) as error:
        raise UserError(f"{path} is not a report of `archarena bench` ({type(error).__name__}); delete it.") from None
    if values.get("schema", SCHEMA) > SCHEMA:
        raise UserError(f"{path} has schema {values['schema']}, newer than this version reads: update archarena.")
    device = str(report.environment.get("device", "unknown device"))
    return Bench(report.bench, device, report.made, tuple(report.rows), report.roofline, report.published)
