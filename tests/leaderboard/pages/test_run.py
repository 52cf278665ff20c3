from archarena.harness.records.cards import EvaluationCard, TaskCard
from archarena.harness.records.record import Score
from archarena.leaderboard.pages.run import run_view
from archarena.leaderboard.read.results import Results


def math_card():
    return TaskCard(
        task="math",
        tier="quick",
        evaluations=[
            EvaluationCard(column="math-lm", metric="bits_per_byte", direction="lower", unit="bits"),
            EvaluationCard(column="math-choice", metric="accuracy", direction="higher", unit="fraction"),
        ],
    )


def facts_of(view, part):
    return dict(dict(view.facts)[part])


def test_scores_keep_the_order_of_the_task_and_show_slices(make_record):
    record = make_record(task="math", value={"math-choice": 0.4, "math-lm": 2.6})
    record.scores["math-choice"] = Score(
        metric="accuracy", direction="higher", value=0.4, rows=50, slices={"level": {"1": 0.5, "5": None}}
    )
    view = run_view(record, Results((record,), tasks={("math", "quick"): math_card()}))
    assert [(score.column, score.value) for score in view.scores] == [("math-lm", "2.600"), ("math-choice", "40.0")]
    assert view.scores[1].slices == (("level", (("1", "50.0"), ("5", "–"))),)
    assert view.valid_label == "bits per byte"


def test_attempts_say_how_they_ended(make_record):
    record = make_record()
    record.attempts[2].diverged = True
    view = run_view(record, Results((record,)))
    assert [(rate, outcome) for rate, _, _, outcome in view.attempts] == [
        ("0.001", "stopped"),
        ("0.003", "chosen"),
        ("0.01", "diverged"),
    ]


def test_a_run_says_how_its_training_ended(make_record):
    record = make_record()
    assert "training ended" not in facts_of(run_view(record, Results((record,))), "Cell")
    record.attempts[1].ended, record.attempts[1].decay_from = "stalled", 1200
    ended = facts_of(run_view(record, Results((record,))), "Cell")["training ended"]
    assert ended == "score stalled, decay from step 1,200"


def test_facts_cover_size_cost_data_and_environment(make_record):
    record = make_record(lift="window of 8", kernels={"selective_scan": "fused-cpu"})
    view = run_view(record, Results((record,)))
    assert facts_of(view, "Size")["body parameters"] == "63,312, target 64,000 (-1.1 %)"
    assert facts_of(view, "Size")["lift"] == "window of 8"
    assert facts_of(view, "Size")["kernels"] == "selective_scan fused-cpu"
    assert facts_of(view, "Cost")["training time"] == "12.5 s"
    assert "energy" not in facts_of(view, "Cost"), "unmeasured costs are not shown"
    assert facts_of(view, "Data")["rows"] == "train 40,000, test 2,000"
    assert facts_of(view, "Data")["checksum of the rows"] == "recall-mqar-0"
    assert facts_of(view, "Environment")["packages"] == "torch 2.13.0"
    assert facts_of(view, "Key")["sha256"] == record.key


def test_a_record_without_a_checksum_is_marked(make_record):
    for checksum, shown in (("c" * 64, "c" * 64), (None, "none: an older version wrote this record")):
        record = make_record(checksum=checksum)
        assert facts_of(run_view(record, Results((record,))), "Key")["checksum of this record"].startswith(shown)


def test_a_failure_without_a_size_has_no_size_part(make_record):
    record = make_record(status="crashed", size=None)
    view = run_view(record, Results((record,)))
    assert "Size" not in dict(view.facts)
    assert view.scores == view.panels == view.attempts == ()
