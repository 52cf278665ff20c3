"""Reports of ``archarena bench``, stored in the folder ``bench`` of a results folder."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError

from ...harness.errors import UserError

SCHEMA = 1


class BenchReport(BaseModel):
    """One report.

    Attributes
    ----------
    bench
        What was timed: kernels, lengths, filters, step or epoch.
    roofline
        Measured peak rates of the device.
    published
        Published figures that the rows are compared with.
    """

    model_config = ConfigDict(extra="allow", allow_inf_nan=False, frozen=True)

    bench: str
    made: str = ""
    environment: dict[str, Any] = {}
    rows: list[dict[str, Any]] = []
    roofline: dict[str, Any] = {}
    published: dict[str, float] = {}

    @property
    def device(self) -> str:
        return str(self.environment.get("device", "unknown device"))


def read_bench_reports(folders: Sequence[Path]) -> tuple[BenchReport, ...]:
    """Return the newest report per bench and device.

    Raises
    ------
    UserError
        If a report cannot be read.
    """
    found = [_read(path) for folder in folders for path in sorted((folder / "bench").glob("bench-*.json"))]
    newest = {(report.bench, report.device): report for report in sorted(found, key=lambda report: report.made)}
    return tuple(newest[key] for key in sorted(newest))


def _read(path: Path) -> BenchReport:
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
        report = BenchReport.model_validate(values)
    except (OSError, ValueError, ValidationError) as error:
        raise UserError(f"{path} is not a report of `archarena bench` ({type(error).__name__}). Delete it.") from None
    if values.get("schema", SCHEMA) > SCHEMA:
        raise UserError(f"{path} has schema {values['schema']}, newer than this version supports. Update archarena.")
    return report
