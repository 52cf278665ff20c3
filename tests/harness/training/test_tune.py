"""The learning rate is chosen by the losses at the end of the probe, however often a trial stops and resumes."""

import pytest
import torch
from archarena.harness import Binary, FieldModel, Fields, Size, TaskSpec, build
from archarena.harness.contract.task import Budget
from archarena.harness.data.seeds import generator
from archarena.harness.planning.recipe import Recipe
from archarena.harness.training.attempt import TrialSetting
from archarena.harness.training.rows import Rows
from archarena.harness.training.tune import Tuning, tune

SPEC = TaskSpec(Fields((9, 5)), Binary())
RATES = (0.01, 0.03)
STEPS = 20
ALL_STEPS = STEPS + 4  # the chosen rate, and the probe of the other


class Linear(FieldModel):
    """One weight per id, with dropout, so that a resumed attempt needs the random state."""

    def __init__(self, fields, outputs):
        super().__init__()
        self.tables = torch.nn.ModuleList(torch.nn.Embedding(count, outputs) for count in fields.cardinalities)
        self.dropout = torch.nn.Dropout(0.1)

    def forward(self, ids, dense=None):
        return self.dropout(sum(table(ids[:, f]).sum(1) for f, table in enumerate(self.tables)))

    def body_parameters(self):
        return self.tables.parameters()


class StoppedError(Exception):
    """Ends a trial as a kill does: nothing is saved."""


def make_model():
    torch.manual_seed(0)
    return build(Linear, SPEC, Size(4, 1))


def tuned(folder, stop_at: int | None = None):
    """Tune on rows whose validation labels are the opposite of the training labels, so that validation loss rises."""
    folder.mkdir(exist_ok=True)
    draw = generator("test")
    ids = draw.integers(1, 5, (40, 2, 1))
    labels = (ids[:, 0, 0] > 2).astype("float32")
    train, valid = (Rows({"ids": ids}, targets, torch.device("cpu")) for targets in (labels, 1 - labels))
    recipe = Recipe("common", RATES, schedule="constant", evaluations=STEPS)
    done = 0

    def report(step):
        nonlocal done
        done += 1
        if done == stop_at:
            raise StoppedError

    setting = TrialSetting(
        SPEC, recipe, Budget(STEPS, 8), "auc", train, valid, 1, False, False, report, checkpoint_seconds=-1.0
    )
    tuning = Tuning(setting, make_model, folder)
    tune([tuning])
    return tuning.attempt, tuning.attempts


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    return tuned(tmp_path_factory.mktemp("whole"))


def test_the_rate_with_the_lowest_loss_at_the_end_of_the_probe_continues(whole):
    attempt, attempts = whole
    assert attempt.rate == RATES[0]
    assert [one.steps for one in attempts] == [STEPS, 4]
    assert attempt.state.loss > attempt.state.probe_loss


@pytest.mark.parametrize("stop_at", [2, 4, 5, 7, 9, 11, 14, 18, 21, ALL_STEPS])
def test_a_trial_whose_validation_loss_rises_chooses_the_same_rate_after_a_stop(whole, tmp_path, stop_at):
    with pytest.raises(StoppedError):
        tuned(tmp_path, stop_at)
    attempt, attempts = tuned(tmp_path)
    assert attempt.rate == whole[0].rate
    found, expected = (
        [[(p.step, p.train_loss, p.valid) for p in one.curve] for one in run] for run in (attempts, whole[1])
    )
    assert found == expected
    best = zip(attempt.restore_best().state_dict().values(), whole[0].restore_best().state_dict().values(), strict=True)
    assert all(torch.equal(*pair) for pair in best)


def test_a_trial_stopped_at_every_validation_pass_ends_as_one_that_never_stopped(whole, tmp_path):
    for _ in range(ALL_STEPS):
        try:
            attempt, _ = tuned(tmp_path, stop_at=2)
        except StoppedError:
            continue
        break
    assert attempt.rate == whole[0].rate
    assert attempt.state.curve[-1].train_loss == whole[0].state.curve[-1].train_loss
