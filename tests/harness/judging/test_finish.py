"""Whether training was finished, on curves with known answers."""

import numpy as np
import pytest
from archarena.harness.judging.finish import Finish, after_plateaus, curve_finish, finish, rise
from archarena.harness.records.record import AttemptInfo, CellInfo, CurvePoint, DataInfo, Record, Score


def curve(scores):
    return [
        CurvePoint(step=100 * i, samples=i, seconds=i, train_loss=1.0, valid=float(score))
        for i, score in enumerate(scores, 1)
    ]


def noise(size=40, sd=0.002):
    return np.random.default_rng(0).normal(0, sd, size)


TIME = np.arange(40) / 39
CURVES = {
    "a line that rises": (0.5 + 0.4 * TIME + noise(), Finish.IMPROVING),
    "saturated early": (0.9 - 0.6 * np.exp(-20 * TIME) + noise(), Finish.STALLED),
    "constant": (np.full(40, 0.1), Finish.STALLED),
    "much noise": (0.5 + 0.1 * (-1.0) ** np.arange(40), Finish.UNCLEAR),
    "three points": ([0.1, 0.5, 0.9], Finish.UNCLEAR),
    "overfitting": (0.9 - 0.2 * TIME + noise(), Finish.STALLED),
    "a jump in the last quarter": (np.where(TIME > 0.85, 0.9, 0.1) + noise(), Finish.IMPROVING),
}


@pytest.mark.parametrize("name", CURVES)
def test_curves_with_known_answers(name):
    scores, expected = CURVES[name]
    assert curve_finish(curve(scores), 1, 0.01) == expected


def test_of_losses_lower_is_better():
    assert curve_finish(curve(3 - TIME + noise()), -1, 0.01) == Finish.IMPROVING
    assert curve_finish(curve(3 - TIME + noise()), 1, 0.01) == Finish.STALLED


def test_a_metric_without_a_margin_has_a_relative_one():
    assert curve_finish(curve(5 + 0.01 * TIME), 1, None) == Finish.STALLED
    assert curve_finish(curve(5 + TIME), 1, None) == Finish.IMPROVING


def record(scores, key="k", **changes):
    attempt = AttemptInfo(learning_rate=1e-3, steps=100 * len(scores), valid=float(max(scores)), curve=curve(scores))
    return Record(
        key=key, key_parts={}, status="ok", learning_rate=1e-3, data=DataInfo(identity={}), attempts=[attempt],
        cell=CellInfo(variant="m", model="m", task="t", tier="quick", recipe="common", seed=0),
        scores={"t": Score(metric="accuracy", direction="higher", value=0.5, rows=10)}, **changes,
    )  # fmt: skip


def test_a_perfect_score_is_learned():
    assert finish(record([0.1, 0.5, 1.0])) == Finish.LEARNED


def test_a_record_without_a_curve_has_no_answer():
    assert finish(record([0.1, 0.2]).model_copy(update={"attempts": []})) is None
    assert finish(record([0.1, 0.2]).model_copy(update={"status": "crashed"})) is None


def test_a_model_on_a_plateau_has_stalled_only_long_after_another_rose():
    rising = record(np.where(np.arange(40) < 10, 0.1, 0.9), key="rising")
    short, long = (record(np.full(count, 0.1), key=str(count)) for count in (20, 40))
    assert rise(rising) == 1100
    assert rise(short) is None
    records = [rising, short, long]
    found = after_plateaus({each.key: finish(each) for each in records}, records)
    assert found["20"] == Finish.UNCLEAR, "2,000 steps are less than three times 1,100"
    assert found["40"] == found["rising"] == Finish.STALLED


def test_if_no_model_rose_a_plateau_stays_unclear():
    short = record(np.full(40, 0.1))
    assert after_plateaus({"k": finish(short)}, [short]) == {"k": Finish.UNCLEAR}
