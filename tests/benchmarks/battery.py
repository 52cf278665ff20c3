"""What each task tells about the core models per second of compute, and whether the budgets are long enough.

    python tests/benchmarks/battery.py run RESULTS [--task NAME ...] [--seeds 5] [--times 1]
    python tests/benchmarks/battery.py separation RESULTS ...
    python tests/benchmarks/battery.py rules RESULTS ... [--times 4]

``run`` trains the core models on the suite ``quick``, or on named tasks, with a multiple of their budgets. A run with
``--plugin tests/benchmarks/candidates.py --suite candidates`` trains other sizes of the tasks. ``separation`` prints
the share of pairs that differ over rows and seeds (`archarena.harness.judging`) per 1,000 core-seconds, and
how training ended. ``rules`` compares runs of the budget with longer ones:

- no core model is at its reference score that learns with ten times the steps;
- every core model beats all baselines on its home ground;
- the order of the models is that after four times the steps, where both tell a pair apart.
"""

from __future__ import annotations

import argparse
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations
from pathlib import Path

from archarena.harness import run
from archarena.harness.contract.registry import discover
from archarena.harness.planning.override import Override
from archarena.harness.planning.tier import get_tier
from archarena.harness.records.record import Record
from archarena.leaderboard.read.results import Results, read_results
from archarena.leaderboard.table.statistics import Comparisons, Verdict
from archarena.leaderboard.table.tidy import make_table

CORE = ("mamba", "tcnca", "monet", "finalmlp", "transformer", "mlp")
HOME = {
    "mamba": ("recall-mqar", "recall-induction", "recall-single"),
    "tcnca": ("recall-induction", "recall-single"),
    "monet": ("digits",),
    "finalmlp": ("ctr-synthetic",),
}
"""Tasks of the kind that a model was made for."""

DECIDED = (Verdict.BETTER, Verdict.WORSE)
DECIDED_HERE = (*DECIDED, Verdict.BETTER_HERE, Verdict.WORSE_HERE)
"""Also those that only hold for the trained models, on other test rows."""

Columns = Mapping[tuple[str, str], Comparisons]
"""Comparisons by task and column."""


def columns_by_steps(results: Results) -> dict[int | None, Columns]:
    """Return the columns of the common recipe by the overridden number of steps, None for the budget."""
    found: dict[int | None, dict[tuple[str, str], Comparisons]] = defaultdict(dict)
    for (tier, recipe, _, _, _, task, column), compared in make_table(results).comparisons.items():
        override = Override.named(recipe)
        if tier == "quick" and task and override.recipe == "common" and not override.learning_rates:
            found[override.steps][task, column] = compared
    return found


def told_apart(compared: Comparisons) -> tuple[int, int, int]:
    """Return how many pairs differ over rows and seeds, how many at least over rows, and how many there are."""
    verdicts = [compared.verdicts(j)[i] for i, j in combinations(range(len(compared.names)), 2)]
    apart, here = (sum(verdict in kinds for verdict in verdicts) for kinds in (DECIDED, DECIDED_HERE))
    return apart, here, len(verdicts)


def separation(results: Results) -> Iterator[str]:
    """Yield a line per column: mean scores, pairs that differ, core-seconds, and how training ended."""
    records: dict[str, list[Record]] = defaultdict(list)
    for record in results.records:
        if record.status == "ok" and (record.cell.tier, record.cell.recipe) == ("quick", "common"):
            records[record.cell.task].append(record)
    seen = 0
    for (task, column), compared in sorted(columns_by_steps(results)[None].items()):
        seconds = sum(record.cost.total_seconds or 0.0 for record in records[task]) * get_tier("quick").threads
        apart, here, pairs = told_apart(compared)
        seen += apart >= 0.6 * pairs
        ends = Counter(record.chosen.ended for record in records[task] if record.chosen)
        means = " ".join(f"{name} {mean:.3f}" for name, mean in zip(compared.names, compared.column.means, strict=True))
        rate = 1000 * apart / pairs / seconds if seconds and pairs else 0.0
        yield (
            f"{column}: {apart}/{pairs} pairs apart ({here} on these rows), {seconds:.0f} core-seconds, "
            f"{100 * rate:.0f} % per 1,000 s; "
            f"{means}; {', '.join(f'{count} {end}' for end, count in ends.items())}"
        )
    yield f"{seen} columns tell at least 60 % of the pairs apart."


def best_reference(results: Results, task: str, column: str, higher: bool) -> float | None:
    """Return the best reference score of a column that is no ceiling."""
    card = results.tasks.get((task, "quick"))
    values = (
        [score.value for score in card.reference_scores if score.column == column and score.kind != "ceiling"]
        if card
        else []
    )
    return (max if higher else min)(values, default=None)


def broken_rules(results: Results, times: int) -> Iterator[str]:
    """Yield a sentence per broken rule, from runs of the budget and of longer ones in the same folders."""
    by_steps = columns_by_steps(results)
    tasks = {name: entry.load() for name, entry in discover().tasks.items()}
    for (task, column), compared in sorted(by_steps[None].items()):
        budget = tasks[task].budgets["quick"].steps
        reference = best_reference(results, task, column, compared.column.higher)
        for steps, columns in sorted((steps, columns) for steps, columns in by_steps.items() if steps is not None):
            longer = columns.get((task, column))
            if longer and steps >= budget:
                yield from _late_learners(column, compared, longer, reference, steps / budget)
                yield from _reordered(column, compared, longer, steps / budget) if steps == times * budget else ()
        yield from _below_home(task, column, compared, reference)


def _late_learners(
    column: str, short: Comparisons, long: Comparisons, reference: float | None, times: float
) -> Iterator[str]:
    if reference is None:
        return
    for name in set(short.names) & set(long.names):
        if not _beats(short, name, reference) and _beats(long, name, reference):
            yield f"{column}: {name} is at its reference ({reference:.3f}) but learns with {times:g} times the steps."


def _reordered(column: str, short: Comparisons, long: Comparisons, times: float) -> Iterator[str]:
    for one, other in combinations([name for name in short.names if name in long.names], 2):
        before, after = (compared.difference(one, other) for compared in (short, long))
        if before.verdict in DECIDED and after.verdict in DECIDED and before.mean * after.mean < 0:
            yield f"{column}: {one} and {other} change places with {times:g} times the steps."


def _below_home(task: str, column: str, compared: Comparisons, reference: float | None) -> Iterator[str]:
    for model, home in HOME.items():
        at_home = task in home and column == task and model in compared.names
        if at_home and reference is not None and not _beats(compared, model, reference):
            yield f"{column}: {model} does not beat the reference score {reference:.3f} on its home ground."


def _beats(compared: Comparisons, name: str, reference: float) -> bool:
    """Return whether a mean is better than a reference score by more than half of its interval."""
    found = compared.estimate(name)
    gap = found.mean - reference if compared.column.higher else reference - found.mean
    return gap > (found.half_width or 0.0)


def train(folder: Path, tasks: Sequence[str], seeds: int, times: int) -> None:
    """Run the core models on tasks with `times` times their budgets."""
    registry = discover()
    for name in tasks or [entry.name for entry in registry.suite("quick")]:
        steps = times * registry.find("task", name).load().budgets["quick"].steps
        run(models=CORE, tasks=[name], seeds=seeds, steps=steps if times > 1 else None, results=folder, device="cpu")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=("run", "separation", "rules"))
    parser.add_argument("results", nargs="+", type=Path)
    parser.add_argument("--task", action="append", default=[])
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--times", type=int, default=None)
    asked = parser.parse_args()
    if asked.what == "run":
        train(asked.results[0], asked.task, asked.seeds, asked.times or 1)
        return
    results = read_results(asked.results)
    lines = separation(results) if asked.what == "separation" else broken_rules(results, asked.times or 4)
    print("\n".join(lines) or "Every rule holds in these results.")


if __name__ == "__main__":
    main()
