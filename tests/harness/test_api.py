"""The Python interface of the harness."""

import archarena.harness as harness
import pytest


def test_every_public_name_is_there():
    for name in dir(harness):
        assert getattr(harness, name) is not None


def test_run_is_a_function_however_often_it_is_asked_for():
    from archarena.harness import run
    from archarena.harness import run as again

    assert callable(run)
    assert run is again


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="no attribute 'rum'"):
        harness.rum  # noqa: B018


def test_run_returns_a_row_a_column_and_seed(toy_task, make_model, tmp_path):
    table = harness.run(
        models=["good"],
        tasks=["toy"],
        plugins=[toy_task, make_model()],
        tier="smoke",
        seeds=2,
        results=tmp_path / "results",
        data=tmp_path,
        device="cpu",
    )
    table = table.sort_values("seed")
    assert table[["variant", "column", "seed", "status"]].values.tolist() == [
        ["good", "toy", 0, "ok"],
        ["good", "toy", 1, "ok"],
    ]
    assert table["value"].between(0, 1).all()
