"""Reports of a trial that its parent cannot confirm mark the record."""

import time

import pytest
import torch
from archarena.harness.contract.registry import discover
from archarena.harness.planning.plan import make_plan
from archarena.harness.planning.recipe import Recipe, Training
from archarena.harness.records.record import AttemptInfo, Cost, CurvePoint, Outcome, SizeInfo
from archarena.harness.records.store import ResultStore
from archarena.harness.running import doubts as module
from archarena.harness.running.doubts import Seen, doubts
from archarena.harness.running.executor import Inline
from archarena.harness.running.run import Run
from archarena.harness.running.runner import Runner
from archarena.harness.training import trial
from archarena.harness.training.cost import StepClock
from safetensors.torch import save_file

TRAINING = Training(Recipe("common", (1e-3, 1e-2)), batch=8, steps=100)
SIZE = SizeInfo(
    width=8, depth=1, target_parameters=1000, body_parameters=1000, total_parameters=1200, deviation=0.0
)  # fmt: skip


def outcome(total=60.0, train=30.0, rate=1e-2, steps=100, point=100, size=SIZE) -> Outcome:
    curve = [CurvePoint(step=point, samples=8, seconds=train, train_loss=1.0, valid=0.5)]
    attempt = AttemptInfo(learning_rate=rate, steps=steps, valid=0.5, curve=curve)
    cost = Cost(total_seconds=total, train_seconds=train)
    return Outcome(status="ok", learning_rate=rate, attempts=[attempt], cost=cost, size=size)


@pytest.fixture
def weights(tmp_path):
    """Return a function that writes a weights file with arrays of these shapes, and returns its path."""

    def write(**shapes):
        arrays = {name.replace("_", "."): torch.randn(shape) for name, shape in shapes.items()}
        save_file(arrays, tmp_path / "weights.safetensors")
        return tmp_path / "weights.safetensors"

    return write


@pytest.fixture
def found(weights):
    """Return a function that returns the doubts about an outcome."""
    file = weights(core_layer=(10, 100), embedding_table=(20, 5), head_linear=(20, 5))

    def found(reported, seen=Seen(65.0), file=file, writes_text=False):  # noqa: B008
        return doubts(reported, seen, file, TRAINING, 800, writes_text=writes_text)

    return found


def test_an_honest_report_raises_no_doubt(found):
    assert found(outcome()) == []
    assert found(outcome(total=400.0), Seen(65.0, resumed=True)) == []
    assert found(outcome(total=0.5, train=0.1), Seen(9.0)) == [], "a start may take seconds"
    assert found(outcome(rate=0.0, steps=1, point=1, train=1e-6)) == [], "a model that fits itself takes no steps"
    assert found(Outcome(status="ok"), writes_text=True) == []


REPORTS = {
    "slower than its process": (outcome(total=70.0), "70 s in total, but its process ran for only 65 s"),
    "much faster than its process": (outcome(total=5.0, train=1.0), "5 s in total, but its process ran for 65 s"),
    "longer training than the trial": (outcome(train=64.0), "64 s of training in 60 s in total"),
    "steps that take no time": (outcome(train=0.00046), "less than any step takes"),
    "another learning rate": (outcome(rate=0.5), "learning rates that its recipe does not have: 0.5"),
    "more steps": (outcome(steps=900), "900 optimizer steps, but its budget has 100"),
    "more steps on its curve": (outcome(point=900), "900 optimizer steps, but its budget has 100"),
    "no size": (outcome(size=None), "its parameters were not counted"),
}


@pytest.mark.parametrize("kind", REPORTS)
def test_a_report_that_the_parent_cannot_confirm_is_one_sentence(found, kind):
    reported, sentence = REPORTS[kind]
    (doubt,) = found(reported)
    assert sentence in doubt


@pytest.mark.parametrize(("count", "words"), [(1, "1 process running"), (3, "3 processes running")])
def test_processes_left_running_are_counted(found, count, words):
    (doubt,) = found(outcome(), Seen(65.0, left=count))
    assert words in doubt


def test_the_parent_counts_what_the_weights_hold(found, weights):
    hidden = weights(core_layer=(10, 100), core_buffer=(100, 10), embedding_table=(20, 5), head_linear=(20, 5))
    assert found(outcome(), file=hidden) == [
        "Its weights hold 2,200 numbers, but it reported 1,200 parameters.",
        "Its body holds 2,000 numbers, but it reported 1,000 parameters of the body.",
    ]
    (doubt,) = found(outcome(), file=hidden.with_name("missing"))
    assert "left no weights" in doubt


def test_tied_weights_and_running_means_count_as_no_more_parameters(tmp_path):
    table = torch.randn(40, 5)
    arrays = {"core.layer": torch.randn(10, 100), "core.mean": torch.randn(40), "embedding.table": table}
    save_file({**arrays, "head.table": table.clone()}, tmp_path / "tied")
    assert doubts(outcome(), Seen(65.0), tmp_path / "tied", TRAINING, 800, writes_text=False) == []


CHEATS = {
    "a clock that stands still": (
        "import time\ntime.perf_counter = lambda: 0.0",
        "",
        "It reported 0 s in total, but its process ran for",
    ),
    "steps that take no time": (
        "from archarena.harness.training.cost import StepClock\nStepClock.take = lambda clock: 1e-6",
        "",
        "less than any step takes",
    ),
    "weights in buffers": (
        "",
        "self.register_buffer('more', torch.randn(100, 200))",
        "numbers, but it reported",
    ),
    "layers that its body does not count": (
        "",
        "self.more = torch.nn.Linear(100, 200); self.body_parameters = self.first.parameters",
        "parameters of the body",
    ),
}
MODEL = """
import torch
from archarena.harness import SequenceModel, register_model
{top}


@register_model("cheat", summary="A cheat.", family="test")
class Cheat(SequenceModel):
    def __init__(self, width):
        super().__init__()
        self.first = torch.nn.Linear(width, width)
        {init}

    def forward(self, x, lengths=None):
        return torch.tanh(self.first(x))
"""


@pytest.fixture
def cheat(toy_task, tmp_path, monkeypatch):
    """Return a function that runs a cheating model on the toy task in this process, and returns its record."""
    for owner, name in ((time, "perf_counter"), (StepClock, "take"), (trial, "save_arrays")):
        monkeypatch.setattr(owner, name, getattr(owner, name))  # restored after the test
    monkeypatch.setattr(module, "START_SECONDS", 0.0)

    def run(top, init=""):
        plugin = tmp_path / "cheat.py"
        plugin.write_text(MODEL.format(top=top, init=init or "pass"))
        plugins = [toy_task, plugin]
        plan = make_plan(discover(plugins), models=["cheat"], tasks=["toy"], tier="smoke", seeds=[0], data=tmp_path)
        store = ResultStore(tmp_path / "results")
        (record,) = Runner(Run(plan, store, tmp_path, "cpu", plugins), Inline()).execute().records
        assert list(store.read()) == [record]
        return record

    return run


@pytest.mark.parametrize("kind", CHEATS)
def test_a_cheat_is_marked(cheat, kind):
    top, init, sentence = CHEATS[kind]
    record = cheat(top, init)
    assert record.status == "ok", record.reason
    assert any(sentence in doubt for doubt in record.doubts), record.doubts


SAVE = (
    "from archarena.harness.training import trial\nsave = trial.save_arrays\ntrial.save_arrays = lambda found, file: "
)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ("save({'other': found['test.outputs']}, file)", "lacks the predictions 'test.outputs'"),
        ("save({**found, 'other': found['test.outputs']}, file)", "has predictions 'other'"),
        ("save({'test.outputs': found['test.outputs'][:20]}, file)", "have the wrong shape (20, 2)"),
        ("save({'test.outputs': found['test.outputs'] * float('nan')}, file)", "50 of 50 rows"),
    ],
)
def test_other_predictions_than_those_asked_for_are_refused(cheat, change, reason):
    record = cheat(SAVE + change)
    assert record.status in ("crashed", "diverged")
    assert reason in record.reason
    assert not record.scores
