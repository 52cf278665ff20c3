"""Adding seeds until the top of a column is settled; trials are replaced by draws with known shares."""

import numpy as np
import pytest
from archarena.harness.contract.registry import discover
from archarena.harness.errors import UserError
from archarena.harness.judging.race import LOOKS
from archarena.harness.planning.cell import Plan
from archarena.harness.planning.plan import make_plan
from archarena.harness.records.cards import EvaluationCard, ReferenceCard, TaskCard
from archarena.harness.records.record import Cost, DataInfo, Record, Score
from archarena.harness.records.row_scores import RowScores
from archarena.harness.records.store import ResultStore
from archarena.harness.running.record_cell import cell_info
from archarena.harness.running.run import Run
from archarena.harness.running.runner import Report
from archarena.harness.running.until_decided import UntilDecided

ROWS = 400
CARD = TaskCard(
    task="toy",
    tier="smoke",
    evaluations=[EvaluationCard(column="toy", metric="accuracy", direction="higher", unit="fraction")],
    reference_scores=[ReferenceCard(column="toy", name="chance", value=0.5, kind="chance")],
)


@pytest.fixture
def racing(toy_task, tmp_path):
    """Return a function from the shares of right rows, by variant, to a race of them and the cells that it runs."""
    ran = []

    def make(shares, spread=0.0, status="ok"):
        store = ResultStore(tmp_path / "results")
        store.write_card(CARD)
        settings = [f"mlp.depth={','.join(shares)}"]
        plan = make_plan(
            discover([toy_task]), models=["mlp"], settings=settings, tasks=["toy"], tier="smoke", data=tmp_path
        )

        def execute(run: Run) -> Report:
            report = Report()
            for keyed in run.keyed():
                cell, share = keyed.cell, shares[str(keyed.cell.variant.depth)]
                draw = np.random.default_rng([cell.variant.depth, cell.seed])
                rows = (draw.random(ROWS) < share + spread * draw.normal()).astype(float)
                score = Score(metric="accuracy", direction="higher", value=rows.mean(), rows=ROWS, clusters=ROWS)
                record = Record(
                    key=keyed.key, key_parts=keyed.parts, cell=cell_info(cell), status=status,
                    data=DataInfo(identity={}),
                    scores={"toy": score} if status == "ok" else {}, cost=Cost(total_seconds=60.0),
                    row_scores=RowScores.of({"toy": rows}).write(store.folder, keyed.key),
                )  # fmt: skip
                store.write(record)
                report.new.append(record)
                ran.append((str(cell.variant.depth), cell.seed))
            return report

        return UntilDecided(Run(Plan(plan.cells), store, tmp_path, "cpu", [toy_task]), execute), ran

    return make


def counts(ran):
    return {name: sum(variant == name for variant, _ in ran) for name in sorted({name for name, _ in ran})}


def test_a_clear_order_needs_two_seeds_of_each(racing):
    race, ran = racing({"1": 0.9, "2": 0.7, "3": 0.5})
    report = race.until_settled()
    assert counts(ran) == {"1": 2, "2": 2, "3": 2}
    assert len(report.records) == 6
    assert race.unsettled() == []


def test_close_rivals_get_more_seeds_and_the_others_do_not(racing):
    race, ran = racing({"1": 0.9, "2": 0.86, "3": 0.5}, spread=0.02)
    race.until_settled()
    found = counts(ran)
    assert found["3"] < found["1"] == found["2"]
    assert set(found.values()) <= set(LOOKS)


def test_equal_models_end_with_the_last_look_or_when_only_rows_would_help(racing):
    race, ran = racing({"1": 0.8, "2": 0.8})
    race.until_settled()
    assert len(ran) <= 2 * LOOKS[-1]
    assert race.unsettled() == []


def test_a_stopped_race_goes_on_where_it_ended(racing):
    race, ran = racing({"1": 0.9, "2": 0.7, "3": 0.5})
    race.until_settled(hours=3.5 * race.run.plan.cells[0].task.tier.aim_seconds / 3600)
    assert len(ran) == 3
    again, _ = racing({"1": 0.9, "2": 0.7, "3": 0.5})
    report = again.until_settled()
    assert len(ran) == len(set(ran)) == 6
    assert len(report.kept) == len(report.new) == 3


def test_a_column_in_which_nobody_beats_chance_gets_no_more_seeds(racing):
    race, ran = racing({"1": 0.5, "2": 0.48})
    race.until_settled()
    assert len(ran) == 4


@pytest.mark.parametrize("status", ["diverged", "crashed"])
def test_failing_variants_are_not_run_forever(racing, status):
    race, ran = racing({"1": 0.9, "2": 0.7}, status=status)
    race.until_settled()
    assert len(ran) == 4


def test_seeds_are_not_chosen_twice():
    from archarena.harness.commands.run import command

    with pytest.raises(UserError, match="chooses the seeds itself"):
        command(until_decided=True, seeds=3)
    with pytest.raises(UserError, match="--max-hours needs --until-decided"):
        command(max_hours=1.0)
