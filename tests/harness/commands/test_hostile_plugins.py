"""Code of a plugin that exits, crashes or hangs ends a command with one sentence and an exit code other than 0."""

import pytest
from archarena.harness.processes import in_child

SOURCE = """
class Source:
    name, summary, license = "rows", "Rows.", "none"

    def find(self, folder):
        {find}
        return None

    def missing(self, folder):
        {missing}
        return "Not there."

    def resolve(self, folder):
        {resolve}

    def identity(self):
        return {{}}

"""
EXIT, CRASH, HANG = "import sys; sys.exit(0)", "import os; os._exit(0)", "while True: pass"


def shorten(monkeypatch, line):
    """Shorten the time limits where the code hangs; elsewhere a slow machine may need the time."""
    if line == HANG:
        monkeypatch.setattr(in_child, "SECONDS", 3.0)
        monkeypatch.setattr("archarena.harness.check.run.SECONDS", 3.0)


@pytest.fixture
def hostile_task(toy_task):
    """Return a function that writes a task with a data source, with these lines in its methods."""

    def write(**lines):
        source = SOURCE.format(**{"find": "pass", "missing": "pass", "resolve": "pass"} | lines)
        text = toy_task.read_text().replace("@register_task", source + "@register_task", 1)
        text = text.replace('suites=("toys",)', 'suites=("toys",), needs=("rows",)')
        text = text.replace("class Toy(Task):", "class Toy(Task):\n    data_sources = (Source(),)", 1)
        toy_task.write_text(text + lines.get("module", ""))
        return toy_task

    return write


@pytest.mark.parametrize(
    ("lines", "reason"),
    [
        ({"resolve": EXIT}, "called sys.exit(0)."),
        ({"resolve": CRASH}, "exited with code 0 before it finished."),
        ({"resolve": HANG}, "did not finish within 3 s."),
        ({"module": EXIT}, "cannot be imported from"),
    ],
)
def test_a_run_refuses_a_task_whose_code_does_not_return(call, make_model, hostile_task, monkeypatch, lines, reason):
    shorten(monkeypatch, *lines.values())
    plugins = ["--plugin", hostile_task(**lines), "--plugin", make_model()]
    code, out, err = call("run", "--model", "good", "--task", "toy", "--tier", "smoke", "--device", "cpu", *plugins)
    assert (code, out) == (2, "")
    assert reason in err
    assert err.count("\n") == 1


@pytest.mark.parametrize("lines", [{"find": EXIT}, {"missing": CRASH}, {"find": HANG}])
def test_data_status_fails_with_a_sentence(call, hostile_task, monkeypatch, lines):
    shorten(monkeypatch, *lines.values())
    code, _, err = call("data", "status", "--plugin", hostile_task(**lines))
    assert code == 2
    assert err.startswith("archarena: ")
    assert err.count("\n") == 1


def test_data_status_shows_a_plugins_data(call, hostile_task):
    code, out, err = call("data", "status", "--plugin", hostile_task())
    assert code == 0, err
    assert "rows: Rows.. License: none.\n  absent. Not there." in out


@pytest.mark.parametrize("line", [EXIT, CRASH])
def test_hyperparameters_of_a_model_that_exits_are_refused(call, make_model, toy_task, line):
    model = make_model()
    model.write_text(model.read_text() + line)
    plugins = ["--plugin", toy_task, "--plugin", model]
    words = ["--model", "good", "--set", "good.scale=2.0", "--task", "toy", "--tier", "smoke", "--device", "cpu"]
    code, out, err = call("run", *words, *plugins)
    assert (code, out) == (2, "")
    assert err.startswith("archarena: ")


@pytest.mark.parametrize("line", [CRASH, HANG])
def test_check_fails_a_model_that_ends_or_hangs_the_process(call, make_model, monkeypatch, line):
    shorten(monkeypatch, line)
    code, out, _ = call("check", make_model("hostile", line))
    assert code == 1
    assert "  failed  process: The code under test " in out
    assert "1 check failed." in out
