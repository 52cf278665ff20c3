from types import SimpleNamespace

from archarena.harness.running.score_table import MOST_ROWS, MOST_TASKS, ScoresSoFar
from rich.console import Console


def record(variant="mamba", task="digits", value=0.5, status="ok"):
    scores = {task: SimpleNamespace(value=value)} if status == "ok" else {}
    cell = SimpleNamespace(variant=variant, task=task)
    return SimpleNamespace(cell=cell, scores=scores, status=status, failed=status != "ok")


def printed(*records):
    table = ScoresSoFar()
    for one in records:
        table.add(one)
    console = Console(width=200)
    with console.capture() as capture:
        console.print(table.render())
    return [line.split() for line in capture.get().splitlines()]


def test_a_cell_is_the_mean_over_seeds_or_a_status():
    lines = printed(record(value=0.4), record(value=0.6), record("mlp", status="timeout"), record("mlp", "a5", value=1))
    assert lines == [["digits", "a5"], ["mamba", "0.500"], ["mlp", "timeout", "1.000"]]


def test_the_table_stays_small():
    lines = printed(*(record(f"m{i}", f"t{i}") for i in range(40)))
    assert len(lines) == 1 + MOST_ROWS
    assert len(lines[0]) == MOST_TASKS
    assert lines[-1][0] == "m39"


def test_a_name_with_markup_is_text():
    assert printed(record("[red]x[/red]"))[1][0] == "[red]x[/red]"
