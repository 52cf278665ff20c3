import numpy as np
import pytest
from archarena.harness.contract.registry import discover
from archarena.harness.data.prepare import prepare, read_meta
from archarena.harness.data.samples import sample_card
from archarena.harness.planning.cell import PlannedTask
from archarena.harness.planning.tier import get_tier
from archarena.harness.records.samples import SampleCard, SampleRow
from archarena.harness.running.sampled import sampled_answers


def card(*rows):
    return SampleCard(task="t", tier="quick", shown_as="tokens", predictions="test.outputs", rows=list(rows))


def answers(kind, array, *rows):
    rows = rows or (SampleRow(row=0, inputs={}, target=0, first=0),)
    return sampled_answers(card(*rows), {"kind": kind}, {"test.outputs": np.array(array, np.float32)})


@pytest.mark.parametrize(
    ("kind", "array", "answer"),
    [
        ("Classes", [[0.0, 2.0, 1.0]], 1),
        ("Binary", [[0.0]], 0.5),
        ("Regression", [[0.25, np.inf]], [0.25, None]),
        ("NextToken", [[0.0, np.log(2), 3 * np.log(2)]], 2.0),
    ],
)
def test_an_answer_is_what_the_model_predicts_for_the_row(kind, array, answer):
    assert answers(kind, array) == [answer]


def test_answers_per_position_are_those_of_the_row():
    rows = [
        SampleRow(row=0, inputs={}, target=[1], positions=[3], first=0),
        SampleRow(row=1, inputs={}, target=[0, 1], positions=[2, 4], first=1),
    ]
    assert answers("PerPosition", [[0, 1], [1, 0], [0, 1]], *rows) == [[1], [0, 1]]
    assert answers("PerPosition", [[0, 1], [1, 0]], *rows) == [], "too few predictions"


def test_predictions_of_an_unexpected_shape_have_no_answers():
    assert answers("Binary", np.zeros((1, 0))) == []
    assert sampled_answers(card(SampleRow(row=0, inputs={}, target=0, first=0)), {}, {}) == []


@pytest.mark.parametrize("name", ["recall-mqar", "lra-listops", "digits"])
def test_a_task_that_may_be_republished_gives_its_first_test_rows(tmp_path, name):
    task = PlannedTask.of(discover().find("task", name), get_tier("smoke"))
    prepare(task, 0, tmp_path, tmp_path / "arrays", with_reference_scores=False)
    found = sample_card(task, tmp_path / "arrays")
    answer = np.load(tmp_path / "arrays" / "answers" / "test" / "targets.npy")
    assert found.shown_as == task.task.shown_as
    assert [row.row for row in found.rows] == list(range(len(found.rows)))
    scored = [row[row != -100] if row.ndim else row for row in answer[: len(found.rows)]]
    assert [np.asarray(row.target).tolist() for row in found.rows] == [row.tolist() for row in scored]
    assert read_meta(tmp_path / "arrays").rows["test"] >= len(found.rows)


def test_a_task_whose_rows_may_not_be_republished_gives_none():
    task = PlannedTask.of(discover().find("task", "ctr-frappe"), get_tier("smoke"))
    assert sample_card(task, None) is None
