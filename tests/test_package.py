"""The package `archarena` itself: running and loading from Python."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
from archarena.harness import UserError
from archarena.leaderboard.load import SCORE_COLUMNS

import archarena

ROOT = Path(__file__).parents[1]
RECORDS, NOTEBOOKS = ROOT / "leaderboard" / "records" / "quick-cpu-3-seeds", ROOT / "docs" / "notebooks.md"


def test_every_public_name_is_there():
    for name in archarena.__all__:
        assert callable(getattr(archarena, name))
    with pytest.raises(AttributeError, match="module 'archarena' has no attribute 'rum'"):
        archarena.rum  # noqa: B018


def test_importing_it_imports_no_torch():
    code = "import sys, archarena; assert not {'torch', 'numpy', 'pandas'} & sys.modules.keys()"
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    """Return a results folder with one model on one task, two seeds, with its weights."""
    folder = tmp_path_factory.mktemp("results")
    options = {"tier": "smoke", "seeds": 2, "device": "cpu", "keep_weights": True, "jobs": 1}
    table = archarena.run(models="mlp", tasks="digits", results=folder, **options)
    assert table["status"].tolist() == ["ok", "ok"]
    assert table.attrs["notes"] == []
    return folder


def test_scores_have_costs_and_sizes(results):
    table = archarena.load(results, tasks="digits")
    assert tuple(table.columns) == SCORE_COLUMNS
    assert table["seed"].tolist() == [0, 1]
    assert table["mean"].nunique() == 1
    assert table["mean"][0] == pytest.approx(table["value"].mean())
    assert (table[["standard_error", "forward_flops", "train_seconds", "body_parameters"]] > 0).all(None)
    assert table.attrs["notes"] == []


def test_tiers_that_are_compared_have_intervals_of_the_mean():
    table = archarena.load(RECORDS, models=["mamba", "mlp"], tasks="recall-mqar")
    assert table["seeds"].tolist() == [3] * 6
    assert (table["half_width"] > 0).all()


def test_every_column_is_described():
    described = re.findall(r"`([a-z_]+)`", NOTEBOOKS.read_text())
    assert set(SCORE_COLUMNS) <= set(described)
    assert set(archarena.load(RECORDS, curves=True).columns) <= set(described)


def test_curves_have_a_row_per_validation_pass(results):
    curves = archarena.load(results, curves=True)
    assert set(curves["learning_rate"]) == {3e-3, 1e-2}
    chosen = curves[curves["chosen"] & (curves["seed"] == 0)]
    assert chosen["step"].is_monotonic_increasing
    assert {"train_loss", "valid", "seconds", "samples"} <= set(curves.columns)


def test_a_loaded_model_predicts_the_rows_it_was_scored_on(results):
    rows = archarena.test_rows("digits", tier="smoke")
    model = archarena.load_trained(results, "mlp/digits/smoke/s1")
    predicted = model(**rows.inputs).argmax(-1).numpy()
    table = archarena.load(results).set_index("seed")
    assert (predicted == rows.targets).mean() == pytest.approx(table["value"][1])
    stored = archarena.load(results, rows=True)
    outputs = stored[(stored["seed"] == 1) & (stored["predictions"] == "test.outputs")]["output"]
    assert [output.argmax() for output in outputs] == predicted.tolist()


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"models": "mpl"}, "There is no model 'mpl'. Did you mean 'mlp'?"),
        ({"curves": True, "rows": True}, "Use curves=True or rows=True, not both"),
    ],
)
def test_a_mistake_is_one_sentence(results, options, says):
    with pytest.raises(UserError, match=says.replace("?", r"\?")):
        archarena.load(results, **options)


def test_test_rows_of_another_test_set_are_refused():
    with pytest.raises(UserError, match="Task 'digits' has no test set 'tset'"):
        archarena.test_rows("digits", tier="smoke", test="tset")
