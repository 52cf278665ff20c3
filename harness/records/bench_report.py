"""Reports of ``archarena bench``, stored in the folder ``bench`` of a results folder."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from ..errors import UserError
from ..files import write_json

SCHEMA = 1


class BenchReport(BaseModel):
    """One report.

    Attributes
    ----------
    bench
        What was timed: kernels, lengths, filters, ensemble, step, epoch or harness.
    roofline
        Measured peak rates of the device.
    published
        Published figures that the rows are compared with.
    """

    model_config = ConfigDict(extra="allow", allow_inf_nan=False, frozen=True, populate_by_name=True)

    schema_version: int = Field(default=SCHEMA, alias="schema")
    bench: str
    made: str = ""
    environment: dict[str, Any] = {}
    rows: list[dict[str, Any]] = []
    roofline: dict[str, Any] = {}
    published: dict[str, float] = {}

    @property
    def device(self) -> str:
        return str(self.environment.get("device", "unknown device"))

    def write(self, folder: Path) -> Path:
        """Write ``bench-WHAT-DEVICE.json`` to `folder`, replacing an older one, and return its path."""
        device = re.sub(r"[^a-z0-9]+", "-", self.device.lower()).strip("-")
        path = folder / f"bench-{self.bench}-{device}.json"
        write_json(path, self.model_dump(mode="json", by_alias=True, exclude_unset=True) | {"schema": SCHEMA})
        return path

    @classmethod
    def read(cls, path: Path) -> BenchReport:
        """Return the report in a file.

        Raises
        ------
        UserError
            If it cannot be read, or has a newer schema.
        """
        try:
            report = cls.model_validate(json.loads(path.read_text(encoding="utf-8")))
        except (OSError, ValueError, RecursionError, ValidationError) as error:
            raise UserError(
                f"{path} is not a report of `archarena bench` ({type(error).__name__}). Delete it."
            ) from None
        if report.schema_version > SCHEMA:
            raise UserError(
                f"{path} has schema {report.schema_version}, newer than this version supports. Update archarena."
            )
        return report
