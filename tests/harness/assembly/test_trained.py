"""Kept weights restore the model that was scored."""

import numpy as np
import pytest
import torch
from archarena.harness import UserError, load_trained
from archarena.harness.contract.registry import discover
from archarena.harness.planning.plan import make_plan
from archarena.harness.records.store import ResultStore
from archarena.harness.running.executor import Inline
from archarena.harness.running.run import Extras, Run
from archarena.harness.running.runner import Runner
from safetensors.numpy import load_file


@pytest.fixture
def run(toy_task, make_model, tmp_path):
    plugins = [toy_task, make_model("good")]

    def run(keep_weights):
        plan = make_plan(discover(plugins), models=["good"], tasks=["toy"], tier="smoke", data=tmp_path)
        store = ResultStore(tmp_path / "results")
        run = Run(plan, store, tmp_path, "cpu", plugins, Extras(keep_weights))
        return run, Runner(run, Inline()).execute()

    run.plugins = plugins
    return run


def test_kept_weights_give_back_the_model_that_was_scored(run, tmp_path):
    results = tmp_path / "results"
    run(keep_weights=False)
    with pytest.raises(UserError, match="were not kept"):
        load_trained(results, "good/toy", plugins=run.plugins)
    cells, report = run(keep_weights=True)
    assert (len(report.kept), len(report.new)) == (0, 1)
    assert len(run(keep_weights=True)[1].kept) == len(run(keep_weights=False)[1].kept) == 1
    (record,) = report.new
    model = load_trained(results, "good/toy/smoke/s0", plugins=run.plugins)
    inputs = cells.keyed()[0].arrays / "tests" / "test" / "inputs"
    arrays = {path.stem: torch.from_numpy(np.load(path).astype(np.int64)) for path in inputs.glob("*.npy")}
    predicted = load_file(results / record.predictions.file)["test.outputs"]
    np.testing.assert_allclose(model(**arrays).detach(), predicted, atol=1e-5)
    (results / record.weights.file).write_bytes(b"other")
    with pytest.raises(UserError, match="does not match its record"):
        load_trained(results, "good/toy", plugins=run.plugins)
