"""The time of a run is that of earlier records, or a tier's target time for cells that have none."""

from types import SimpleNamespace

import pytest
from archarena.harness.planning.tier import get_tier
from archarena.harness.running.estimate import estimate

QUICK = get_tier("quick")


def keyed(task, recipe="common", *, training=True):
    cell = SimpleNamespace(
        task=SimpleNamespace(name=task, tier=QUICK), recipe=recipe, training=object() if training else None
    )
    return SimpleNamespace(cell=cell)


def record(task, seconds, recipe="common", tier="quick"):
    cell = SimpleNamespace(task=task, tier=tier, recipe=recipe)
    return SimpleNamespace(cell=cell, cost=SimpleNamespace(total_seconds=seconds))


RECORDS = [*(record("toy", seconds) for seconds in (1.0, 5.0, 3.0)), record("toy", 900.0, tier="full")]


@pytest.mark.parametrize(
    ("cells", "seconds", "basis"),
    [
        ([keyed("toy")] * 2, 6.0, "earlier records"),
        ([keyed("toy"), keyed("new")], 3.0 + QUICK.aim_seconds, "the tier's target time"),
        ([keyed("toy", "published")], QUICK.aim_seconds, "a published recipe may take many times longer"),
        ([keyed("toy", "published[steps=5]")], QUICK.aim_seconds, "a published recipe may take many times longer"),
        ([keyed("toy"), keyed("toy", "published", training=False)], 3.0, "earlier records"),
        ([], 0.0, "earlier records"),
    ],
)
def test_a_cell_takes_the_median_time_of_its_records_or_the_tiers_target(cells, seconds, basis):
    found = estimate(cells, RECORDS)
    assert found.seconds == seconds
    assert basis in found.basis


def test_records_without_a_time_say_nothing():
    assert estimate([keyed("toy")], [record("toy", None)]).seconds == QUICK.aim_seconds
