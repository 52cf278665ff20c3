"""Compare seeds trained together with seeds trained alone, over whole runs at tier quick.

    python tests/benchmarks/ensembles.py [--task digits] [--seeds 2] [MODEL ...]

Prints, for each model and seed, the steps, the validation score and the test score of both, and fails if they differ by
more than `TOLERANCE`. Training amplifies the rounding of sums, so the last digits of a long run differ.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from archarena.harness.api import make_run
from archarena.harness.contract.registry import discover
from archarena.harness.planning.cell import Keyed
from archarena.harness.records.record import Record
from archarena.harness.running.executor import Inline
from archarena.harness.running.run import Extras, Run
from archarena.harness.running.runner import Runner

TOLERANCE = 0.02
"""Largest difference of two test scores: about twice the standard error of an accuracy over 1,000 rows."""


class Together(Run):
    """A run in which all seeds of a model train together, even where that is slower."""

    def together(self, cells: Sequence[Keyed]) -> list[list[Keyed]]:
        groups: dict[str, list[Keyed]] = {}
        for keyed in cells:
            groups.setdefault(keyed.cell.variant.name, []).append(keyed)
        return list(groups.values())


class Alone(Run):
    """A run in which each seed trains alone."""

    def together(self, cells: Sequence[Keyed]) -> list[list[Keyed]]:
        return [[keyed] for keyed in cells]


def records(kind: type[Run], name: str, arguments: argparse.Namespace, folder: Path) -> dict[int, Record]:
    run = make_run(
        discover(),
        models=[name],
        tasks=[arguments.task],
        suites=(),
        plugins=(),
        settings=(),
        tier=arguments.tier,
        recipe="common",
        seeds=range(arguments.seeds),
        results=folder / kind.__name__,
        data=None,
        device="cpu",
        rerun="missing",
        extras=Extras(),
    )
    report = Runner(kind(**vars(run)), Inline()).execute()
    return {record.cell.seed: record for record in report.records}


def line(record: Record) -> tuple[list[float], str]:
    scores = [score.value for score in record.scores.values() if score.value is not None]
    chosen = record.chosen
    course = f"rate {chosen.learning_rate:g}, {chosen.steps} steps, validation {chosen.valid:.4f}" if chosen else ""
    return scores, f"{record.status}, {record.cost.members} together, {course}, test " + " ".join(
        f"{value:.4f}" for value in scores
    )


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("models", nargs="*")
    parser.add_argument("--task", default="digits")
    parser.add_argument("--tier", default="quick")
    parser.add_argument("--seeds", type=int, default=2)
    arguments = parser.parse_args()
    everything = [name for name, entry in discover().models.items() if not entry.declared.get("on_request")]
    different = 0
    for name in arguments.models or everything:
        with tempfile.TemporaryDirectory() as folder:
            together, alone = (records(kind, name, arguments, Path(folder)) for kind in (Together, Alone))
        for seed, record in alone.items():
            (found, text), (expected, expected_text) = line(together[seed]), line(record)
            apart = any(abs(a - b) > TOLERANCE for a, b in zip(found, expected, strict=True))
            different += apart or together[seed].status != record.status
            print(f"{name} s{seed}{' DIFFERS' if apart else ''}\n  {text}\n  {expected_text}", flush=True)
    return int(different > 0)


if __name__ == "__main__":
    sys.exit(main())
