"""Error rate and cost of `archarena run --until-decided`, by simulation.

``python tests/benchmarks/racing.py`` prints the share of columns in which the truly best model ends behind another one,
and the seeds used. `race` is also sampled by the tests.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from archarena.harness.judging.column import Column
from archarena.harness.judging.race import LEVEL, LOOKS, needed_seeds
from archarena.harness.judging.runs import Runs
from archarena.harness.judging.verdicts import Verdict, Verdicts
from scipy.special import expit


@dataclass(frozen=True)
class Races:
    """Shares of races with an error and of those with a sole first, and the mean number of seeds of all models."""

    wrong: float
    decided: float
    seeds: float


def race(levels: np.ndarray, spread: float, rows: int, draw: np.random.Generator) -> tuple[bool, bool, int]:
    """Return whether a true best model was found to be behind, whether one model is ahead of all, and the seeds."""
    models = len(levels)
    hard = 1.5 * draw.normal(size=rows) + 0.5 * draw.normal(size=(models, 1, rows))
    shifts = levels[:, None] + spread * draw.normal(size=(models, LOOKS[-1]))
    scores = (draw.random((models, LOOKS[-1], rows)) < expit(shifts[..., None] + hard)).astype(float)
    counts = np.full(models, LOOKS[0])

    def column() -> Column:
        own = [found[:count] for found, count in zip(scores, counts, strict=True)]
        return Column({str(i): Runs.of(y.mean(1), list(y), rows, is_share=True) for i, y in enumerate(own)})

    while wanted := needed_seeds(column()):
        for name, count in wanted.items():
            counts[int(name)] = count
    verdicts = Verdicts(column(), LEVEL)
    against = verdicts.against(int(np.argmax(verdicts.best)))
    behind = [i for i, verdict in enumerate(against) if verdict is Verdict.WORSE]
    best = np.flatnonzero(levels == levels.max())
    return bool(set(best) & set(behind)), len(behind) == models - 1, int(counts.sum())


def races(levels: np.ndarray, spread: float, rows: int, count: int, seed: int = 0) -> Races:
    """Return the error rate of many races."""
    draw = np.random.default_rng(seed)
    found = [race(levels, spread, rows, draw) for _ in range(count)]
    wrong, decided, seeds = np.array(found, float).T
    return Races(float(wrong.mean()), float(decided.mean()), float(seeds.mean()))


CASES = {
    "all equal": np.zeros(6),
    "two best": np.array([0.5, 0.5, 0.2, 0, 0, -0.5]),
    "one best": np.array([0.6, 0.3, 0.1, 0, 0, -0.5]),
    "small steps": np.arange(6) * 0.1,
}


def main() -> None:
    print("| levels | sd of seeds | rows | errors | one ahead of all | seeds of 6 models |\n|---|---|---|---|---|---|")
    for name, levels in CASES.items():
        for spread in (0.05, 0.2, 0.4):
            for rows in (300, 2000):
                found = races(levels, spread, rows, 400 if rows == 300 else 150)
                print(
                    f"| {name} | {spread} | {rows:,} | {found.wrong:.3f} | {found.decided:.2f} | {found.seeds:.1f} |",
                    flush=True,
                )


if __name__ == "__main__":
    main()
