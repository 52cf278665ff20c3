import numpy as np
from archarena.harness.running.decisions import decisions
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays


@given(st.data())
def test_a_confusion_matrix_counts_every_row_and_its_diagonal_is_the_accuracy(data):
    logits = data.draw(arrays.arrays(np.float32, (20, 3), elements=st.floats(-5, 5, width=32)))
    targets = data.draw(arrays.arrays(np.int16, 20, elements=st.integers(0, 2)))
    counts = np.array(decisions("Classes", logits, targets).confusion)
    assert counts.sum() == 20
    assert counts.trace() == (logits.argmax(1) == targets).sum()
    assert counts.sum(1).tolist() == [int((targets == label).sum()) for label in range(3)]


def test_perfectly_calibrated_predictions_are_on_the_diagonal():
    generator = np.random.default_rng(0)
    chances = generator.uniform(0.05, 0.95, 20_000)
    labels = (generator.uniform(size=20_000) < chances).astype(np.float32)
    found = decisions("Binary", np.log(chances / (1 - chances))[:, None], labels).calibration
    assert sum(one.rows for one in found) == 20_000
    assert all(abs(one.predicted - one.observed) < 0.04 for one in found)


def test_other_outputs_have_none():
    assert decisions("Regression", np.zeros((3, 1)), np.zeros(3)) is None
    assert decisions("Classes", np.zeros((3, 200)), np.zeros(3)) is None
    assert decisions("PerPosition", np.zeros((12, 5)), np.zeros((3, 4))) is None
