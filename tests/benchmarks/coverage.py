"""Coverage of the 95 % intervals of differences, by simulation with known truth.

``python tests/benchmarks/coverage.py`` prints a table. `coverage` is also sampled by the tests.

Rows differ in difficulty (sd 1.5), and models in how difficult a row is for them (sd 0.5); seeds of a model differ by
their own sd. Binary rows are right with the probability that the sum gives on the logit scale; continuous rows have
noise with sd 1 instead. Each column has six models, whose levels differ by small steps. The truth is the difference of
the models' expected scores over all rows and seeds. With one seed, it is that of the trained models over all rows.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from archarena.harness.judging.column import Column
from archarena.harness.judging.runs import Runs
from scipy.special import expit

DIFFICULTY, AFFINITY = 1.5, 0.5
STEP = 0.15
"""Difference of one model's level to the next, on the logit scale."""

NODES, WEIGHTS = np.polynomial.hermite_e.hermegauss(60)

EQUAL, UNEQUAL = (0.15,) * 6, (0.02, 0.05, 0.1, 0.2, 0.3, 0.4)
"""Standard deviations of the six models' seeds."""


@dataclass(frozen=True)
class Coverage:
    """Share of intervals that contain the truth, their mean width, and the share that excludes 0."""

    share: float
    width: float
    decided: float
    pairs: int


def expected(levels: np.ndarray, spreads: np.ndarray, *, binary: bool) -> np.ndarray:
    """Return the mean score of rows whose score on the logit scale is normal with these means and sds."""
    if not binary:
        return levels
    points = expit(levels[..., None] + spreads[..., None] * NODES)
    return points @ WEIGHTS / WEIGHTS.sum()


def coverage(
    seeds: int, rows: int, spreads: Sequence[float], *, binary: bool, columns: int, step: float = STEP, seed: int = 0
) -> Coverage:
    """Return the coverage over neighboring pairs of simulated columns."""
    draw, sds, models = np.random.default_rng(seed), np.array(spreads), len(spreads)
    levels = step * (np.arange(models) - (models - 1) / 2)
    covered, widths, decided = [], [], []
    for _ in range(columns):
        shifts = levels[:, None] + sds[:, None] * draw.normal(size=(models, seeds))
        difficulty = DIFFICULTY * draw.normal(size=rows) + AFFINITY * draw.normal(size=(models, 1, rows))
        found = shifts[..., None] + difficulty
        noise = draw.random(found.shape) < expit(found) if binary else found + draw.normal(size=found.shape)
        scores = noise.astype(float)
        column = Column({str(i): Runs.of(y.mean(1), list(y), rows, is_share=binary) for i, y in enumerate(scores)})
        of_rows = DIFFICULTY**2 + AFFINITY**2
        if seeds == 1:  # these trained models, on other rows
            truth = expected(shifts[:, 0], np.full(models, of_rows**0.5), binary=binary)
            half = 1.96 * np.sqrt(column.row_variances)
        else:
            truth = expected(levels, np.sqrt(of_rows + sds**2), binary=binary)
            half = column.half_widths
        for i in range(models - 1):
            gap, width = column.gaps[i, i + 1], half[i, i + 1]
            covered.append(abs(gap - (truth[i] - truth[i + 1])) <= width)
            widths.append(2 * width)
            decided.append(abs(gap) > width)
    return Coverage(float(np.mean(covered)), float(np.mean(widths)), float(np.mean(decided)), len(covered))


def main() -> None:
    print("| rows are | sd of seeds | seeds | rows | coverage | mean width | decided |\n|---|---|---|---|---|---|---|")
    for binary in (True, False):
        for name, spreads in (("equal", EQUAL), ("unequal", UNEQUAL)):
            for seeds in (1, 2, 3, 5, 10):
                for rows in (50, 300, 1000, 5000):
                    columns = max(40, min(400, 2_000_000 // (rows * seeds)))
                    found = coverage(seeds, rows, spreads, binary=binary, columns=columns)
                    kind = "right or wrong" if binary else "losses"
                    print(
                        f"| {kind} | {name} | {seeds} | {rows:,} | {found.share:.3f} | {found.width:.3f} "
                        f"| {found.decided:.2f} |",
                        flush=True,
                    )


if __name__ == "__main__":
    main()
