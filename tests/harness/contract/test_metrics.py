import numpy as np
import pytest
from archarena.harness.contract.metrics import METRICS, TEMPERATURES, better, fit_temperature, sign
from hypothesis import given
from hypothesis import strategies as st

RANDOM = np.random.default_rng(0)


def sample(name: str, n: int = 40) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return predictions and targets of a metric, and the target row of each prediction."""
    rows = np.arange(n)
    match name:
        case "accuracy":
            return RANDOM.normal(size=(n, 3)), RANDOM.integers(3, size=n), rows
        case "label_accuracy":
            return RANDOM.normal(size=(n, 12)), RANDOM.integers(4, size=(n, 3)), rows
        case "position_accuracy":
            targets = np.where(RANDOM.random((n, 5)) < 0.5, RANDOM.integers(4, size=(n, 5)), -100)
            row = np.nonzero(targets != -100)[0]
            return RANDOM.normal(size=(len(row), 4)), targets, row
        case "auc" | "auc_minus_log_loss" | "log_loss" | "scaled_log_loss":
            return RANDOM.normal(size=(n, 1)), RANDOM.integers(2, size=n).astype(np.float32), rows
        case "bits_per_byte":
            targets = np.where(RANDOM.random((n, 5)) < 0.7, RANDOM.integers(4, size=(n, 5)), -100)
            return np.where(targets != -100, RANDOM.exponential(size=(n, 5)), 0), targets, rows
        case "choice_accuracy" | "choice_prior_accuracy":
            return RANDOM.normal(size=n * 8), RANDOM.integers(4, size=n), np.repeat(rows, 8)
        case "rmse":
            return RANDOM.normal(size=(n, 2)), RANDOM.normal(size=(n, 2)), rows
    raise AssertionError(name)


def test_the_standard_error_of_a_mean_is_that_of_its_rows():
    right = np.random.default_rng(1).random(20_000) < 0.3
    logits = np.stack([right, ~right], -1).astype(float)
    score, error = METRICS["accuracy"].measure(logits, np.zeros(20_000, dtype=int))
    assert score == right.mean()
    assert error == pytest.approx(right.std() / np.sqrt(20_000), rel=0.5)
    small = METRICS["rmse"].measure(4e-4 * np.random.default_rng(2).normal(size=(2_000, 1)), np.zeros((2_000, 1)))
    assert small[1] < 4e-5


def test_one_row_has_no_standard_error():
    assert np.isnan(METRICS["accuracy"].measure(np.array([[1.0, 0.0]]), np.array([0]))[1])


@pytest.mark.parametrize("name", METRICS)
def test_a_group_scores_what_its_rows_score_alone(name: str):
    predictions, targets, row_of = sample(name)
    labels = np.arange(len(targets)) % 3
    by_group = METRICS[name].by_group(predictions, targets, labels)
    assert list(by_group) == [0, 1, 2]
    for group, score in by_group.items():
        alone = METRICS[name].score(predictions[labels[row_of] == group], targets[labels == group])
        assert score == pytest.approx(alone, abs=1e-12)


@pytest.mark.parametrize("name", METRICS)
def test_a_prediction_that_is_not_a_number_has_no_score(name: str):
    predictions, targets, _ = sample(name)
    predictions.flat[3] = np.nan
    assert np.isnan(METRICS[name].score(predictions, targets))
    by_group = METRICS[name].by_group(predictions, targets, np.arange(len(targets)) % 2)
    assert all(np.isnan(score) for score in by_group.values())


@pytest.mark.parametrize("name", METRICS)
def test_perfect_is_the_best_score(name: str):
    metric = METRICS[name]
    predictions, targets, _ = sample(name)
    score = metric.score(predictions, targets)
    assert score < metric.perfect if metric.direction == "higher" else score > metric.perfect


def test_accuracy_counts_rows():
    logits = np.array([[2.0, 1.0], [0.0, 1.0], [3.0, 1.0]])
    assert METRICS["accuracy"].score(logits, np.array([0, 1, 1])) == pytest.approx(2 / 3)


def test_position_accuracy_weighs_positions_not_rows():
    targets = np.array([[0, 1, 1], [-100, 1, -100]])
    logits = np.array([[1.0, 0.0], [0.0, 1.0], [0.0, 1.0], [1.0, 0.0]])
    assert METRICS["position_accuracy"].score(logits, targets) == 0.75
    by_group = METRICS["position_accuracy"].by_group(logits, targets, np.array(["long", "short"]))
    assert by_group == {"long": 1.0, "short": 0.0}


def test_label_accuracy_counts_each_answer_of_a_row():
    logits = np.array([[2.0, 1.0, 0.0, 3.0], [0.0, 1.0, 1.0, 0.0]])
    assert METRICS["label_accuracy"].score(logits, np.array([[0, 1], [1, 1]])) == 0.75


def test_a_group_without_scored_positions_has_no_score():
    targets = np.array([[0], [-100]])
    by_group = METRICS["position_accuracy"].by_group(np.array([[1.0, 0.0]]), targets, np.array([0, 1]))
    assert by_group[0] == 1.0
    assert np.isnan(by_group[1])


@given(st.lists(st.tuples(st.integers(-3, 3), st.booleans()), min_size=2, max_size=30))
def test_auc_is_the_chance_that_a_click_outscores_a_miss(rows: list[tuple[int, bool]]):
    scores, labels = (np.array(column) for column in zip(*rows, strict=True))
    auc = METRICS["auc"].score(scores[:, None].astype(np.float32), labels.astype(np.float32))
    if labels.all() or not labels.any():
        assert np.isnan(auc)
        return
    difference = scores[labels][:, None] - scores[~labels]
    assert auc == pytest.approx(np.mean((difference > 0) + 0.5 * (difference == 0)))


def test_log_loss_is_in_nats_and_stands_large_logits():
    labels = np.array([1.0, 0.0])
    assert METRICS["log_loss"].score(np.zeros((2, 1)), labels) == pytest.approx(np.log(2))
    assert METRICS["log_loss"].score(np.array([[-1000.0], [0.0]]), labels) == pytest.approx((1000 + np.log(2)) / 2)


def test_bits_per_byte_of_a_uniform_guess():
    targets = np.array([[1, 2, -100], [3, -100, -100]])
    nats = np.where(targets == -100, 0, np.log(256))
    assert METRICS["bits_per_byte"].score(nats, targets) == pytest.approx(8)


def test_an_infinite_loss_is_no_number():
    assert np.isnan(METRICS["bits_per_byte"].score(np.array([[np.inf]]), np.array([[1]])))


def test_rmse_averages_over_all_values():
    assert METRICS["rmse"].score(np.array([[1.0, 0.0], [0.0, 0.0]]), np.zeros((2, 2))) == pytest.approx(0.5)


def test_choices_are_ranked_by_what_the_problem_adds():
    with_problem, prior = [-5.0, -9.0, -9.0, -9.0], [-1.0, -9.0, -9.0, -9.0]
    predictions = np.array([[with_problem, prior]]).ravel()
    assert METRICS["choice_accuracy"].score(predictions, np.array([1])) == 1.0
    assert METRICS["choice_prior_accuracy"].score(predictions, np.array([0])) == 1.0
    assert METRICS["choice_prior_accuracy"].score(predictions, np.array([1])) == 0.0


def test_a_blind_ranking_of_four_options_is_right_in_a_quarter():
    predictions, targets, _ = sample("choice_accuracy", 20_000)
    assert METRICS["choice_accuracy"].score(predictions, targets) == pytest.approx(0.25, abs=0.015)


def clicks(n: int = 20_000) -> tuple[np.ndarray, np.ndarray]:
    """Return log-odds, and labels drawn from them."""
    draw = np.random.default_rng(0)
    logits = draw.normal(size=(n, 1))
    return logits, (draw.random(n) < 1 / (1 + np.exp(-logits[:, 0]))).astype(np.float32)


def test_a_calibrated_model_has_temperature_one():
    assert fit_temperature(*clicks()) == pytest.approx(1, abs=0.05)


@given(st.floats(0.05, 20))
def test_the_temperature_follows_the_scale_of_the_logits(scale: float):
    logits, labels = clicks(500)
    assert fit_temperature(scale * logits, labels) == pytest.approx(scale * fit_temperature(logits, labels), rel=1e-6)


def test_the_scaled_log_loss_does_not_see_overconfidence():
    metric, (logits, labels) = METRICS["scaled_log_loss"], clicks()
    valid, test = (slice(0, 10_000), slice(10_000, None))
    scores = [
        metric.score(metric.calibrate(scale * logits[valid], labels[valid])(scale * logits[test]), labels[test])
        for scale in (1, 3)
    ]
    assert scores[0] == pytest.approx(scores[1], abs=1e-9)
    assert METRICS["log_loss"].score(3 * logits[test], labels[test]) > scores[1] + 0.1


def test_the_temperature_has_the_least_loss():
    logits, labels = clicks(2_000)
    least, score = fit_temperature(5 * logits, labels), METRICS["log_loss"].score
    assert all(score(5 * logits / least, labels) < score(5 * logits / (f * least), labels) for f in (0.95, 1.05))


def test_logits_without_an_error_or_without_sense_get_a_bound():
    labels = np.array([0, 1, 1, 0])
    assert fit_temperature(2.0 * labels - 1, labels) == TEMPERATURES[0]
    assert fit_temperature(1 - 2.0 * labels, labels) == TEMPERATURES[1]


def test_direction_decides_what_is_better():
    assert better("higher", 2, 1)
    assert better("lower", 1, 2)
    assert not better("higher", 1, 1)
    assert not better("lower", 1, 1)
    assert (sign("higher"), sign("lower")) == (1, -1)


def test_fuxictrs_combined_monitor_is_auc_minus_log_loss():
    logits, labels = np.float32([[2.0], [-1.0], [0.5], [-3.0]]), np.float32([1, 0, 0, 1])
    parts = [METRICS[name].score(logits, labels) for name in ("auc", "log_loss")]
    assert METRICS["auc_minus_log_loss"].score(logits, labels) == pytest.approx(parts[0] - parts[1])


@pytest.mark.parametrize("name", ["auc", "auc_minus_log_loss"])
@pytest.mark.parametrize("logit", [np.inf, -np.inf])
def test_auc_of_an_infinite_logit_is_undefined(name, logit):
    assert np.isnan(METRICS[name].score(np.float32([[1.0], [logit], [0.0]]), np.float32([1, 0, 0])))
