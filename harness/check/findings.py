"""Results of checks."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from ..contract.scan import describe
from ..errors import UserError

Status = Literal["ok", "failed", "skipped"]


@dataclass(frozen=True)
class Finding:
    """The result of one contract check, with a one-sentence message."""

    name: str
    status: Status
    message: str


class BrokenError(Exception):
    """A contract check failed; the message says why."""


def require(holds: bool, message: str) -> None:
    """Raise `BrokenError` unless the condition is true."""
    if not holds:
        raise BrokenError(message)


def examine(name: str, check: Callable[[], str | None], where: str = "") -> Finding:
    """Run one check and return its result. Any exception from the code under test is a failure.

    Parameters
    ----------
    check
        Returns None if it passes, or the reason why it does not apply. Raises `BrokenError` if it
        fails.
    where
        What the check runs on; prefixes the message.
    """
    place = f"{where}: " if where else ""
    try:
        reason = check()
    except (BrokenError, UserError) as broken:
        return Finding(name, "failed", f"{place}{broken}")
    except Exception as error:
        return Finding(name, "failed", f"{place}raised {describe(error)}")
    return Finding(name, "skipped" if reason else "ok", f"{place}{reason or 'passed'}")


def merge(findings: list[Finding]) -> list[Finding]:
    """Return one finding per name: the first failure with the number of failures, or the number of passes."""
    by_name: dict[str, list[Finding]] = {}
    for finding in findings:
        by_name.setdefault(finding.name, []).append(finding)
    return [_merge_one(same) for same in by_name.values()]


def _merge_one(same: list[Finding]) -> Finding:
    failed = [finding for finding in same if finding.status == "failed"]
    held = [finding for finding in same if finding.status == "ok"]
    if failed:
        more = f" (and on {len(failed) - 1} more)" if len(failed) > 1 else ""
        return Finding(failed[0].name, "failed", failed[0].message + more)
    if not held:
        return same[0]
    return held[0] if len(same) == 1 else Finding(held[0].name, "ok", f"passed on {len(held)} kinds of task")
