from itertools import pairwise

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


def test_events_say_how_attempts_ended_and_when(make_record):
    record = make_record()
    record.attempts[2].diverged = True
    earlier = make_record(status="crashed", started="2026-01-01")
    view = run_view(record, Results((record,)), [earlier])
    assert [(event.name, event.status, event.steps) for event in view.events] == [
        ("earlier result", "crashed", ""),
        ("learning rate 0.001", "stopped", "140"),
        ("learning rate 0.01", "diverged", "140"),
        ("learning rate 0.003", "chosen", "700"),
        ("validation, tests, other", "", ""),
    ]
    ends = [(event.start, round(event.start + event.length, 1)) for event in view.events[1:]]
    assert ends[0][0] == 0
    assert ends[-1][1] == 100
    assert all(abs(end - start) < 0.2 for (_, end), (start, _) in pairwise(ends))


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
    assert view.scores == view.panels == view.events == ()
