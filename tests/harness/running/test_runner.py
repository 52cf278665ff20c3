"""Running a plan: failures are rows, runs resume by default, the parent scores, and nothing is lost."""

import time
from dataclasses import replace

import numpy as np
import pytest
from archarena.harness.api import make_run as run_of
from archarena.harness.contract.registry import discover
from archarena.harness.data.prepare import META
from archarena.harness.errors import UserError
from archarena.harness.planning.job import EnsembleJob
from archarena.harness.planning.plan import make_plan
from archarena.harness.records.cards import ModelCard, TaskCard
from archarena.harness.records.store import ResultStore
from archarena.harness.running.child import Limits
from archarena.harness.running.executor import Ended, Inline, Local, Started
from archarena.harness.running.lock import Claims, locked
from archarena.harness.running.progress import Progress
from archarena.harness.running.run import Extras, Run, Shard
from archarena.harness.running.runner import Runner


@pytest.fixture
def make_run(toy_task, tmp_path):
    def make(*plugins, models=("good",), settings=(), tier="smoke", seeds=None, **options):
        registry = discover([toy_task, *plugins])
        plan = make_plan(
            registry, models=models, settings=settings, tasks=["toy"], tier=tier, seeds=seeds, data=tmp_path
        )
        return Run(plan, ResultStore(tmp_path / "results"), tmp_path, "cpu", [toy_task, *plugins], **options)

    return make


def test_a_cell_leaves_a_record_with_score_size_cost_and_command(make_run, make_model):
    report = Runner(make_run(make_model()), Local(1)).execute()
    (record,) = report.records
    assert record.status == "ok", record.reason
    assert 0 <= record.scores["toy"].value <= 1
    assert [attempt.learning_rate for attempt in record.attempts] == [3e-3, 1e-2]
    assert record.learning_rate in (3e-3, 1e-2)
    assert record.size.body_parameters == pytest.approx(12_000, rel=0.05)
    assert record.cost.train_seconds > 0
    assert record.cost.peak_rss_bytes > 10**6
    assert record.data.rows == {"train": 64, "valid": 40, "test": 50}
    assert len(record.data.checksum) == 64
    assert record.command.startswith(
        "archarena run --model good --task toy --tier smoke --seed 0 --device cpu --plugin"
    )


def test_a_forked_child_gives_the_same_bits_as_a_new_interpreter(make_run, monkeypatch):
    found = []
    for spawn in "01":
        monkeypatch.setenv("ARCHARENA_SPAWN", spawn)
        run = make_run(models=["mamba"], rerun="all", extras=Extras(keep_weights=True))
        (record,) = Runner(run, Local(1)).execute().records
        assert record.status == "ok", record.reason
        found.append((record.scores, record.predictions.sha256, record.weights.sha256))
    assert found[0] == found[1]


def test_a_depth_that_is_set_replaces_the_tiers_at_equal_parameters(make_run):
    records = Runner(make_run(models=["mlp"], settings=["mlp.depth=1,3"]), Inline()).execute().records
    assert [record.cell.variant for record in records] == ["mlp[depth=1]", "mlp[depth=3]"]
    assert [record.size.depth for record in records] == [1, 3]
    assert all(record.size.body_parameters == pytest.approx(12_000, rel=0.05) for record in records)
    assert all("depth" not in record.key_parts["hyperparameters"] for record in records)


def test_finished_cells_never_run_twice(make_run, make_model):
    plugin = make_model()
    first = Runner(make_run(plugin), Inline()).execute()
    second = Runner(make_run(plugin), Inline()).execute()
    assert (len(second.kept), len(second.new)) == (1, 0)
    assert second.kept == first.new


def test_a_renamed_plugin_does_not_run_again(make_run, make_model):
    plugin = make_model()
    Runner(make_run(plugin), Inline()).execute()
    renamed = plugin.rename(plugin.with_name("other_name.py"))
    assert make_run(renamed).split()[1] == []


def test_a_changed_model_runs_again(make_run, make_model):
    Runner(make_run(make_model()), Inline()).execute()
    run = make_run(make_model(body="x = 2 * x"))
    assert len(run.split()[1]) == 1


def test_kept_predictions_give_the_score_again(make_run, make_model, tmp_path):
    from safetensors.numpy import load_file

    run = make_run(make_model())
    (record,) = Runner(run, Inline()).execute().records
    predictions = load_file(tmp_path / "results" / record.predictions.file)["test.outputs"]
    answers = np.load(run.keyed()[0].arrays / "answers" / "test" / "targets.npy")
    assert record.scores["toy"].value == pytest.approx((predictions.argmax(1) == answers).mean())


FAILURES = {
    "raises": ("raise ValueError('no such luck')", "crashed", "ValueError: no such luck"),
    "exits": ("import os; os._exit(3)", "crashed", "exited with code 3"),
    "segfaults": ("import ctypes; ctypes.string_at(0)", "crashed", "killed by SIGSEGV"),
    "nan": ("x = x * float('nan')", "diverged", "became NaN or infinite"),
    "out_of_memory": ("torch.empty(10**15)", "oom", "allocate"),
}


def test_each_failure_is_a_row_with_its_reason_and_stops_no_other(make_run, make_model):
    plugins = [make_model(name, f"if self.training:\n            {body}") for name, (body, *_) in FAILURES.items()]
    run = make_run(*plugins, make_model(), models=[*FAILURES, "good"])
    report = Runner(run, Local(2)).execute()
    found = {record.cell.model: record for record in report.records}
    assert found["good"].status == "ok"
    for name, (_, status, reason) in FAILURES.items():
        assert (name, found[name].status) == (name, status)
        assert reason in found[name].reason
    assert sorted(record.cell.model for record in report.failed) == sorted(FAILURES)


def test_a_trial_that_hangs_is_killed_with_its_descendants(make_run, make_model, tmp_path):
    import psutil

    pids = tmp_path / "pids"
    body = (
        "import subprocess, sys, time\n"
        "        command = [sys.executable, '-c', 'import time; time.sleep(600)']\n"
        "        child = subprocess.Popen(command, start_new_session=True)\n"
        f"        open({str(pids)!r}, 'w').write(str(child.pid))\n"
        "        time.sleep(600)"
    )
    run = make_run(make_model("hangs", body), models=["hangs"], limits=Limits(20, 8 * 2**30))
    (record,) = Runner(run, Local(1)).execute().records
    assert (record.status, record.reason) == ("timeout", "Ran longer than 20 s.")
    deadline = time.monotonic() + 5
    while psutil.pid_exists(int(pids.read_text())) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not psutil.pid_exists(int(pids.read_text())) or psutil.Process(int(pids.read_text())).status() == "zombie"


def test_a_trial_that_takes_too_much_memory_is_killed(make_run, make_model):
    body = "self.hoard = getattr(self, 'hoard', []) + [bytearray(50_000_000)]"
    run = make_run(make_model("hoards", body), models=["hoards"], limits=Limits(60, 1.2 * 2**30))
    (record,) = Runner(run, Local(1)).execute().records
    assert (record.status, record.reason) == ("oom", "Used more than 1.2 GiB of memory.")


def test_a_task_that_cannot_be_prepared_is_a_row(make_run, make_model, toy_task):
    toy_task.write_text(
        toy_task.read_text().replace("tests = {", "raise RuntimeError('broken draw')\n        tests = {")
    )
    (record,) = Runner(make_run(make_model()), Inline()).execute().records
    assert record.status == "crashed"
    assert "could not be prepared: RuntimeError: broken draw" in record.reason
    assert "Traceback" in record.log_tail


def test_a_trial_is_not_given_test_labels(make_run, make_model):
    run = make_run(make_model())
    Runner(run, Inline()).execute()
    arrays = run.keyed()[0].arrays
    assert {path.name for path in (arrays / "tests" / "test").rglob("*.npy")} == {"tokens.npy", "lengths.npy"}


def test_predictions_that_cannot_be_kept_give_a_failure_without_scores(make_run, make_model, tmp_path):
    (tmp_path / "results").mkdir()
    (tmp_path / "results" / "predictions").write_text("a file where the folder should be")
    (record,) = Runner(make_run(make_model()), Inline()).execute().new
    assert (record.status, record.scores, record.predictions) == ("crashed", {}, None)
    assert "Cannot write" in record.reason


def damage(file) -> None:
    """Zero a file's second half; in an array, these are rows."""
    content = file.read_bytes()
    file.write_bytes(content[: len(content) // 2] + bytes(len(content) - len(content) // 2))


class Damaging(Inline):
    """Runs jobs after damaging a file, or before its result is used."""

    def __init__(self, file, when):
        self.file, self.when = file, when

    def run(self, requests):
        for event in super().run(requests):
            if isinstance(event, self.when):
                damage(self.file)
            yield event


@pytest.mark.parametrize(
    "file", ["train/targets.npy", "tests/test/inputs/tokens.npy", "answers/test/targets.npy", META]
)
def test_arrays_that_changed_on_disk_are_prepared_again(make_run, make_model, capsys, file):
    run = make_run(make_model())
    (first,) = Runner(run, Inline()).execute().new
    damage(run.keyed()[0].arrays / file)
    (again,) = Runner(replace(run, rerun="all"), Inline(), Progress()).execute().new
    assert (again.scores, again.data) == (first.scores, first.data)
    assert capsys.readouterr().err.count("arrays of toy s0 have changed") == 1


@pytest.mark.parametrize(("file", "when"), [("train/targets.npy", Started), ("answers/test/targets.npy", Ended)])
def test_arrays_that_change_during_a_run_give_a_failure_without_scores(make_run, make_model, file, when):
    run = make_run(make_model())
    Runner(run, Inline()).execute()
    arrays = run.keyed()[0].arrays
    (record,) = Runner(replace(run, rerun="all"), Damaging(arrays / file, when)).execute().new
    assert (record.status, record.scores, record.predictions) == ("crashed", {}, None)
    assert f"{file} has changed" in record.reason
    assert Runner(run, Inline()).execute().new[0].status == "ok"


def test_all_models_see_the_same_data_for_a_seed(make_run, make_model):
    run = make_run(make_model("good"), make_model("other"), models=["good", "other"], seeds=[0, 1])
    by_seed = {}
    for record in Runner(run, Inline()).execute().records:
        by_seed.setdefault(record.cell.seed, set()).add(record.data.checksum)
    assert [len(sums) for sums in by_seed.values()] == [1, 1]
    assert by_seed[0] != by_seed[1]


def test_the_same_cell_twice_gives_the_same_numbers(make_run, make_model):
    plugin = make_model()
    runs = [Runner(make_run(plugin, rerun="all"), Inline()).execute().new[0] for _ in range(2)]
    curves = [[(p.step, p.train_loss, p.valid) for t in record.attempts for p in t.curve] for record in runs]
    assert curves[0] == curves[1]
    assert runs[0].predictions.sha256 == runs[1].predictions.sha256


def test_inline_gives_the_same_numbers_as_a_child(make_run, make_model):
    plugin = make_model()
    child = Runner(make_run(plugin), Local(1)).execute().new[0]
    inline = Runner(make_run(plugin, rerun="all"), Inline()).execute().new[0]
    assert inline.predictions.sha256 == child.predictions.sha256


def test_a_run_waits_for_no_command_that_changes_the_folder(make_run, make_model, tmp_path):
    with locked(tmp_path / "results"), pytest.raises(UserError, match="Another command is changing"):
        Runner(make_run(make_model()), Local(1)).execute()


def test_shards_cover_every_cell_once_and_share_a_folder(make_run, make_model):
    plugin, done = make_model(), []
    for number in (1, 2, 3):
        run = make_run(plugin, settings=["good.scale=1.0,2.0"], seeds=[4, 5], shard=Shard(number, 3))
        done += [record.cell for record in Runner(run, Inline()).execute().new]
    assert sorted((cell.variant, cell.seed) for cell in done) == [
        (f"good[scale={scale}]", seed) for scale in (1.0, 2.0) for seed in (4, 5)
    ]
    whole = make_run(plugin, settings=["good.scale=1.0,2.0"], seeds=[4, 5])
    assert len(whole.split()[0]) == 4
    assert whole.store.card(TaskCard, "toy", "smoke").references("toy")


@pytest.mark.parametrize("text", ["", "1", "0/2", "3/2", "a/b", "1/2/3"])
def test_an_invalid_shard_is_refused(text):
    with pytest.raises(UserError, match="use I/N, with I from 1 to N"):
        Shard.parse(text)


def test_a_cell_that_another_run_works_on_is_left_to_it(make_run, make_model):
    run = make_run(make_model(), seeds=[0, 1])
    first = run.keyed()[0]
    other = Claims()
    assert other.take(run.folder_of(first))
    report = Runner(run, Inline()).execute()
    assert report.elsewhere == [first.cell.name]
    assert [record.cell.seed for record in report.new] == [1]
    other.release_all()
    assert [record.cell.seed for record in Runner(run, Inline()).execute().new] == [0]


def test_a_cell_that_another_run_recorded_in_the_meantime_is_kept(make_run, make_model):
    run = make_run(make_model())
    late = Runner(run, Inline())
    late.began -= 10  # it has looked for records before the other run wrote one
    missing = run.split()[1]
    Runner(run, Inline()).execute()
    late._train(missing)
    assert late.report.new == []
    assert len(late.report.kept) == 1


def test_failures_run_again_and_diverged_cells_only_when_asked(make_run, make_model):
    plugins = [make_model("raises", "raise ValueError('x')"), make_model("nan", "x = x * float('nan')")]
    Runner(make_run(*plugins, models=["raises", "nan"]), Inline()).execute()
    again = make_run(*plugins, models=["raises", "nan"])
    assert [keyed.cell.variant.name for keyed in again.split()[1]] == ["raises"]
    assert [keyed.cell.variant.name for keyed in replace(again, rerun="failed").split()[1]] == ["raises", "nan"]


def test_cards_tell_what_pages_need(make_run, make_model, tmp_path):
    Runner(make_run(make_model()), Inline()).execute()
    store = ResultStore(tmp_path / "results")
    (model,), (task,) = store.cards(ModelCard), store.cards(TaskCard)
    assert (model.name, model.family) == ("good", "test")
    assert [(score.column, score.name, score.kind) for score in task.reference_scores] == [
        ("toy", "chance", "chance"),
        ("toy", "ceiling", "ceiling"),
        ("toy", "majority", "baseline"),
    ]


def test_a_stopped_run_records_its_cells_as_interrupted_and_goes_on_later(make_run, make_model, tmp_path):
    class Stop(Progress):
        def started(self, name, folder):
            raise KeyboardInterrupt

    plugin = make_model()
    with pytest.raises(KeyboardInterrupt):
        Runner(make_run(plugin), Local(1), Stop()).execute()
    (record,) = ResultStore(tmp_path / "results").read()
    assert record.status == "interrupted"
    assert Runner(make_run(plugin), Local(1)).execute().new[0].status == "ok"


def test_what_a_power_failure_damaged_is_made_again(make_run, make_model):
    run = make_run(make_model())
    folder = run.folder_of(run.keyed()[0])
    folder.mkdir(parents=True)
    for name in ("progress.json", "attempt-0.safetensors", "attempt-1.safetensors"):
        (folder / name).write_bytes(b"\0" * 100)
    (record,) = Runner(run, Inline()).execute().records
    assert record.status == "ok", record.reason


def test_a_model_that_predicts_nan_on_test_rows_has_diverged(make_run, make_model):
    body = "x = x * float('nan') if len(x) == 50 - 32 else x  # the second batch of the test rows"
    (record,) = Runner(make_run(make_model(body=body)), Inline()).execute().records
    assert (record.status, record.scores) == ("diverged", {})
    assert record.reason == "18 of 50 rows on test set 'test' contain NaN."
    assert record.failed


HIDDEN = "self.hidden = torch.nn.Linear(300, 300)"
WIDE = "self.first = torch.nn.Sequential(torch.nn.Linear(width, 300), torch.nn.Linear(300, width))"


@pytest.fixture
def wide_model(make_model):
    """Return a function that creates a plugin whose model has a hidden layer of 300 units at any width and depth."""

    def make(declaration=""):
        plugin = make_model("wide")
        source = plugin.read_text().replace("self.first = torch.nn.Linear(width, width)", f"{WIDE}\n        {HIDDEN}")
        source = source.replace("    def __init__", f"    {declaration}\n\n    def __init__")
        plugin.write_text(source)
        return plugin

    return make


def test_a_cell_outside_the_size_of_its_tier_is_refused_with_the_numbers(make_run, wide_model):
    (record,) = Runner(make_run(wide_model(), models=["wide"]), Inline()).execute().records
    assert record.status == "skipped"
    assert "parameters at width 1, the nearest to the 12,000 of the tier: +" in record.reason


def test_a_model_of_a_fixed_size_runs_and_says_so(make_run, wide_model):
    (record,) = Runner(make_run(wide_model("fixed_width = 8"), models=["wide"]), Inline()).execute().records
    assert record.status == "ok", record.reason
    assert (record.size.width, record.size.fixed, record.size.target_parameters) == (8, True, 12_000)


def test_stale_cells_are_those_with_a_record_of_another_source_only(make_run, make_model, toy_task, tmp_path):
    plugin, other = make_model(), make_model("other")
    Runner(make_run(plugin, seeds=[0]), Inline()).execute()
    again = make_run(plugin, other, models=["good", "other"], seeds=[0, 1], rerun="stale")
    assert ([record.cell.variant for record in again.split()[0]], again.split()[1]) == (["good"], [])
    plugin.write_text(plugin.read_text().replace("torch.tanh", "torch.sin"))
    kept, stale = again.split()
    assert (kept, [keyed.cell.name for keyed in stale]) == ([], ["good/toy/smoke/s0"])

    plugins, nothing = [toy_task, plugin], {"models": (), "tasks": (), "suites": (), "settings": (), "seeds": None}
    place = {"tier": "smoke", "recipe": "common", "data": tmp_path, "device": "cpu", "extras": Extras()}
    found = run_of(discover(plugins), plugins=plugins, results=tmp_path / "results", rerun="stale", **place, **nothing)
    assert [keyed.cell.name for keyed in found.split()[1]] == ["good/toy/smoke/s0"]
    place["tier"] = "quick"
    with pytest.raises(UserError, match="has no record at tier quick with the common recipe"):
        run_of(discover(plugins), plugins=plugins, results=tmp_path, rerun="stale", **place, **nothing)


def curves(records):
    found = {record.cell.seed: [p.train_loss for a in record.attempts for p in a.curve] for record in records}
    return [found[seed] for seed in sorted(found)]


def test_seeds_train_together_and_each_has_its_own_record(make_run, make_model, tmp_path):
    plugin = make_model()
    plugin.write_text(plugin.read_text().replace("torch.nn.Dropout(0.1)", "torch.nn.Identity()"))
    alone = Runner(make_run(plugin, seeds=range(4)), Inline()).execute().new
    plugin.write_text(plugin.read_text().replace('family="test"', 'family="test", together=64'))
    run = replace(make_run(plugin, seeds=range(4)), store=ResultStore(tmp_path / "together"))
    assert [len(group) for group in run.together(run.keyed())] == [4]
    together = Runner(run, Inline()).execute().new
    assert [(record.status, record.cost.members) for record in together] == [("ok", 4)] * 4
    for found, expected in zip(curves(together), curves(alone), strict=True):
        assert found == pytest.approx(expected, rel=1e-3)
    assert len({record.predictions.sha256 for record in together}) == 4
    assert all(record.cost.total_seconds > record.cost.train_seconds > 0 for record in together)
    assert not [*run.work.glob("ensembles/*"), *run.work.glob("cells/*")]
    assert len(Runner(run, Inline()).execute().kept) == 4


def test_seeds_that_cannot_train_together_train_alone(make_run, make_model):
    plugin = make_model()  # draws random numbers in a way that torch.vmap refuses
    plugin.write_text(plugin.read_text().replace('family="test"', 'family="test", together=64'))
    run = make_run(plugin, seeds=range(4))
    assert [len(group) for group in run.together(run.keyed())] == [4]
    records = Runner(run, Inline()).execute().new
    assert [(record.status, record.cost.members) for record in records] == [("ok", 1)] * 4


class StopsWhenTrainingStarts(Inline):
    def run(self, requests):
        for event in super().run(requests):
            yield event
            if isinstance(event, Started) and isinstance(event.request.work, EnsembleJob):
                raise KeyboardInterrupt


def test_a_stopped_ensemble_is_interrupted_cells_which_run_again(make_run, make_model):
    plugin = make_model()
    plugin.write_text(plugin.read_text().replace("torch.nn.Dropout(0.1)", "torch.nn.Identity()"))
    plugin.write_text(plugin.read_text().replace('family="test"', 'family="test", together=64'))
    run = make_run(plugin, seeds=range(4))
    with pytest.raises(KeyboardInterrupt):
        Runner(run, StopsWhenTrainingStarts()).execute()
    assert [record.status for record in run.store.read()] == ["interrupted"] * 4
    again = Runner(run, Inline()).execute().new
    assert [(record.status, record.cost.members) for record in again] == [("ok", 4)] * 4
