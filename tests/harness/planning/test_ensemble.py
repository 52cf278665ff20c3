"""Which cells train together."""

from pathlib import Path

import pytest
from archarena.harness.contract.registry import discover
from archarena.harness.planning.cell import Keyed
from archarena.harness.planning.ensemble import ensembles
from archarena.harness.planning.plan import make_plan


@pytest.fixture
def groups(toy_task, make_model, tmp_path):
    """Return a function that returns the seeds of each group of a model with a limit of `together` rows."""

    def find(together, *, tier="smoke", seeds, settings=()):
        plugin = make_model()
        plugin.write_text(plugin.read_text().replace('family="test"', f'family="test", together={together}'))
        registry = discover([toy_task, plugin])
        plan = make_plan(
            registry, models=["good"], tasks=["toy"], tier=tier, seeds=range(seeds), settings=settings, data=tmp_path
        )
        found = ensembles([Keyed(cell, cell.name, {}, Path()) for cell in plan.cells])
        return [[keyed.cell.seed for keyed in group] for group in found]

    return find


def test_enough_seeds_of_a_small_step_train_together(groups):
    assert groups(8, seeds=5) == [[0, 1, 2, 3, 4]]
    assert groups(8, seeds=3) == [[0], [1], [2]]
    assert groups(8, seeds=9) == [[0, 2, 4, 6, 8], [1, 3, 5, 7]]


def test_larger_steps_and_models_that_do_not_declare_it_train_alone(groups):
    alone = [[0], [1], [2], [3]]
    assert groups(7, seeds=4) == alone  # the smoke tier has batches of 8 rows, and quick of 16
    assert groups(15, tier="quick", seeds=4) == alone
    assert groups(16, tier="quick", seeds=4) == [[0, 1, 2, 3]]
    assert groups(0, seeds=4) == alone


def test_only_seeds_of_the_same_variant_train_together(groups):
    found = groups(8, seeds=4, settings=["good.scale=1.0,2.0"])
    assert found == [[0, 1, 2, 3], [0, 1, 2, 3]]
