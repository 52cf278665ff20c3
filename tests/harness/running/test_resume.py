"""A run that is killed at any time loses no finished work, and the next one runs only the missing cells."""

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest
from archarena.harness import build
from archarena.harness import run as run_here
from archarena.harness.records.store import ResultStore

MOMENTS = 8


def command(results: Path, *plugins: Path, seeds: int = 2) -> list[str]:
    words = [sys.executable, "-m", "archarena.harness", "run", "--task", "toy", "--tier", "quick"]
    words += ["--seeds", str(seeds), "--jobs", "2", "--results", str(results), "--device", "cpu"]
    words += [word for name in ("good", "other") if any(name in p.name for p in plugins) for word in ("--model", name)]
    return [*words, *(word for plugin in plugins for word in ("--plugin", str(plugin)))]


def finish(results: Path, *plugins: Path, seeds: int = 2) -> None:
    """Do in this process what the command does; the trials start sooner, from the server of this process."""
    models = [name for name in ("good", "other") if any(name in plugin.name for plugin in plugins)]
    options = {"tasks": ["toy"], "tier": "quick", "device": "cpu", "jobs": 2}
    run_here(models=models, plugins=plugins, seeds=seeds, results=results, **options)


def readable_records(results: Path) -> dict[str, dict]:
    """Return the records on disk by key; fail the test if one is corrupt."""
    store = ResultStore(results)
    return {record.key: record.model_dump() for record in store.read()}


def children_of(process: subprocess.Popen) -> list[psutil.Process]:
    try:
        return psutil.Process(process.pid).children(recursive=True)
    except psutil.NoSuchProcess:
        return []


def wait_until_gone(processes: list[psutil.Process]) -> None:
    _, alive = psutil.wait_procs(processes, timeout=10)
    assert not alive, f"children outlived the run: {alive}"


@pytest.mark.slow
def test_killing_parent_or_child_at_random_moments_loses_nothing(toy_task, make_model, tmp_path):
    results, plugins = tmp_path / "results", (toy_task, make_model("good"), make_model("other"))
    draw = random.Random(2)
    seen: dict[str, dict] = {}
    for moment in range(MOMENTS):
        run = subprocess.Popen(command(results, *plugins), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        time.sleep(draw.uniform(0.3, 5.0))
        children = children_of(run)
        if moment % 2 and children:
            for child in draw.sample(children, 1):
                child.kill()
            time.sleep(0.3)
        os.kill(run.pid, signal.SIGKILL)
        run.communicate()
        wait_until_gone(children)
        found = readable_records(results)
        finished = {key for key, record in seen.items() if record["status"] == "ok"}
        assert finished <= found.keys()
        assert all(found[key] == seen[key] for key in finished), "a finished record was written again"
        seen = found
    finish(results, *plugins)
    final = readable_records(results)
    assert [record["status"] for record in final.values()] == ["ok"] * 4
    assert all(final[key] == record for key, record in seen.items() if record["status"] == "ok")


def heed_interrupts() -> None:
    """Restore the default handling of SIGINT, which background jobs of a shell ignore."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def test_a_trial_taken_up_again_ends_as_one_that_never_stopped(toy_task, make_model, tmp_path):
    plugins = (toy_task, make_model("good"))
    whole, broken = tmp_path / "whole", tmp_path / "broken"
    finish(whole, *plugins, seeds=1)
    begin = command(broken, *plugins, seeds=1)
    run = subprocess.Popen(begin, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, preexec_fn=heed_interrupts)
    deadline = time.monotonic() + 60
    while not list(broken.glob("work/cells/*/attempt-0.safetensors")) and time.monotonic() < deadline:
        time.sleep(0.01)
    run.send_signal(signal.SIGINT)
    assert run.wait() == 130
    assert list(broken.glob("work/cells/*/attempt-0.safetensors")), "no checkpoint was left to resume from"
    finish(broken, *plugins, seeds=1)
    predicted = [{r.key: r.predictions.sha256 for r in ResultStore(folder).read()} for folder in (whole, broken)]
    assert predicted[0] == predicted[1]
    assert all(r.cost.total_seconds > r.cost.train_seconds for r in ResultStore(broken).read())


def test_a_checkpoint_can_be_taken_up_at_every_validation_pass(tmp_path):
    """Stopping and loading after each step gives the same weights as an uninterrupted run."""
    import torch
    from archarena.harness import Classes, SequenceModel, Size, TaskSpec, Tokens
    from archarena.harness.contract.task import Budget
    from archarena.harness.data.seeds import generator
    from archarena.harness.planning.recipe import Recipe
    from archarena.harness.training.attempt import Attempt, TrialSetting
    from archarena.harness.training.rows import Rows

    class Model(SequenceModel):
        def __init__(self, width):
            super().__init__()
            self.linear, self.dropout = torch.nn.Linear(width, width), torch.nn.Dropout(0.3)

        def forward(self, x, lengths=None):
            return self.dropout(torch.tanh(self.linear(x)))

    spec = TaskSpec(Tokens(7, 5), Classes(3))
    draw = generator("test")
    tokens, targets = draw.integers(1, 7, (40, 5)), draw.integers(0, 3, 40)
    train, held_out = (Rows({"tokens": tokens}, wanted, torch.device("cpu")) for wanted in (targets, (targets + 1) % 3))

    def make_model():
        torch.manual_seed(0)
        return build(Model, spec, Size(8, 1))

    def attempt(file):
        recipe = Recipe("common", (1e-2,), schedule="decay", patience=0.3, evaluations=20)
        setting = TrialSetting(
            spec,
            recipe,
            Budget(20, 8),
            "accuracy",
            train,
            held_out,
            1,
            False,
            False,
            lambda step: None,
            checkpoint_seconds=0.0,
        )
        return Attempt(setting, 1e-2, make_model, file)

    straight = attempt(tmp_path / "straight.safetensors")
    straight.run(20)
    for step in range(1, 21):
        stopped = attempt(tmp_path / "stopped.safetensors")
        stopped.run(step)
    assert stopped.state.curve[-1].train_loss == straight.state.curve[-1].train_loss
    assert stopped.summary().ended == straight.summary().ended == "stalled"
    assert stopped.state.decay_from == straight.state.decay_from
    for name, tensor in straight.model.state_dict().items():
        assert torch.equal(tensor, stopped.model.state_dict()[name]), name
    valid = [[point.valid for point in attempt.state.curve] for attempt in (straight, stopped)]
    assert valid[0] == valid[1]
