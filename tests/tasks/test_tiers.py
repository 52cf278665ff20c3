"""The arguments and training budget of each task by tier, as docs/tasks.md lists them.

To write the page again after a change: ``python tests/tasks/test_tiers.py > docs/tasks.md``.
"""

from pathlib import Path

from archarena.harness.contract.registry import discover

PAGE = Path(__file__).parents[2] / "docs" / "tasks.md"
HEADER = """\
# Tasks by tier

The arguments that each tier passes to a task, and its training budget under the recipe `common`: optimizer steps and
rows per batch. `archarena list` describes the tasks.

| task | tier | steps | batch | arguments |
|---|---|---|---|---|
"""


def page() -> str:
    lines = []
    for name, entry in sorted(discover().tasks.items()):
        cls = entry.load()
        for tier, arguments in cls.arguments.items():
            budget = cls.budgets[tier]
            listed = ", ".join(f"{key} {_written(value)}" for key, value in arguments.items())
            lines.append(f"| `{name}` | {tier} | {budget.steps:,} | {budget.batch:,} | {listed or 'all data'} |\n")
    return HEADER + "".join(lines)


def _written(value: object) -> str:
    if isinstance(value, dict):
        return "(" + ", ".join(f"{key} {_written(entry)}" for key, entry in value.items()) + ")"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(_written(entry) for entry in value) + "]"
    return f"{value:,}" if isinstance(value, int) else str(value)


def test_the_page_of_tasks_lists_what_each_tier_trains():
    assert PAGE.read_text() == page()


if __name__ == "__main__":
    print(page(), end="")
