"""Rows of each step: whole epochs, the same after an interruption, and separate updates in every second step."""

from itertools import chain
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from archarena.harness.contract.task import Budget
from archarena.harness.planning.recipe import Recipe
from archarena.harness.training.order import batches

SEPARATE = np.arange(20) >= 12


def order(start=0, until=12, *, separate=None, **recipe):
    """Return the rows of the steps over 20 rows in batches of 4."""
    how = Recipe("published", (1e-3,), **recipe)
    setting = SimpleNamespace(train=Train(), recipe=how, budget=Budget(12, 4), order_seed=7, separate=separate)
    return [rows.tolist() for rows in batches(setting, start, until)]


class Train:
    device = torch.device("cpu")

    def __len__(self):
        return 20


def test_an_epoch_is_a_permutation_of_all_rows():
    steps = order(until=10)
    for epoch in (steps[:5], steps[5:]):
        assert sorted(chain(*epoch)) == list(range(20))
    assert steps[:5] != steps[5:]


def test_every_second_step_is_an_update_on_separate_rows():
    steps = order(until=12, separate=SEPARATE, separate_batch=2)
    main, aside = steps[::2], steps[1::2]
    assert [len(rows) for rows in main] == [4] * 6
    assert [len(rows) for rows in aside] == [2] * 6
    for epoch in (main[:3], main[3:]):
        assert sorted(chain(*epoch)) == list(range(12))
    assert sorted(chain(*aside[:4])) == list(range(12, 20))


@pytest.mark.parametrize("separate", [None, SEPARATE])
@pytest.mark.parametrize("start", range(12))
def test_a_resumed_attempt_continues_with_the_same_rows(start, separate):
    options = {"separate": separate, "separate_batch": 0 if separate is None else 2}
    assert order(start, **options) == order(**options)[start:]
