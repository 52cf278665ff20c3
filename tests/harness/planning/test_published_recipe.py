"""Recipe ``published``: a model's own size, length and recipe for a task, from its card."""

import pytest
from archarena.harness.contract.registry import discover
from archarena.harness.errors import UserError
from archarena.harness.planning.plan import make_plan
from archarena.harness.records.store import ResultStore
from archarena.harness.running.executor import Inline
from archarena.harness.running.run import Run
from archarena.harness.running.runner import Runner

CARD = """
multiplies = "Nothing."
[published.toy]
citation = "arXiv:0000.00000"
width = 12
depth = 1
hyperparameters = { scale = 2.0 }
epochs = 3
batch = 16
recipe = { learning_rate = 1e-2, schedule = "plateau", optimizer = "adam", metric = "accuracy" }
"""


@pytest.fixture
def make_run(toy_task, make_model, tmp_path):
    plugins = [toy_task, make_model("good"), make_model("other")]
    (tmp_path / "cards").mkdir()
    card = tmp_path / "cards" / "good.toml"
    card.write_text(CARD)

    def make(**changes):
        arguments = {"models": ["good", "other"], "tier": "smoke", "recipe": "published"} | changes
        plan = make_plan(discover(plugins), tasks=["toy"], data=tmp_path, **arguments)
        return Run(plan, ResultStore(tmp_path / "results"), tmp_path, "cpu", plugins)

    make.card = card
    return make


def test_a_cell_is_trained_as_its_card_says_and_a_model_without_one_is_a_skipped_row(make_run):
    found = {record.cell.model: record for record in Runner(make_run(), Inline()).execute().records}
    assert (found["other"].status, found["other"].reason) == (
        "skipped",
        "The card of other has no published recipe for toy.",
    )
    record = found["good"]
    assert record.status == "ok", record.reason
    assert record.cell.recipe == record.key_parts["recipe"]["name"] == "published"
    assert (record.size.width, record.size.depth, record.size.deviation) == (12, 1, 0.0)
    assert record.key_parts["hyperparameters"] == {"scale": 2.0}
    assert record.cell.variant == "good"
    (attempt,) = record.attempts
    assert [point.step for point in attempt.curve] == [4, 8, 12][: len(attempt.curve)]
    assert "--recipe published" in record.command


def test_separate_updates_need_rows_that_the_task_marks_for_them(make_run, toy_task):
    make_run.card.write_text(
        CARD.replace("epochs = 3", "steps = 4").replace("recipe = {", "recipe = { separate_batch = 2,")
    )
    (record,) = Runner(make_run(models=["good"]), Inline()).execute().records
    assert record.status == "crashed"
    assert "task 'toy' marks no training rows for them" in record.reason
    marked = '(tokens[:, 0] > 4).astype(np.int64), {"separate": tokens[:, 0] == 1})'
    toy_task.write_text(toy_task.read_text().replace("(tokens[:, 0] > 4).astype(np.int64))", marked))
    (record,) = Runner(make_run(models=["good"]), Inline()).execute().records
    assert record.status == "ok", record.reason
    assert record.attempts[0].curve[-1].samples == 2 * 16 + 2 * 2


def test_an_edited_recipe_runs_again_and_leaves_common_cells_alone(make_run):
    published, common = (make_run(models=["good"], recipe=name).keyed()[0] for name in ("published", "common"))
    make_run.card.write_text(CARD.replace("batch = 16", "batch = 8"))
    edited, same = (make_run(models=["good"], recipe=name).keyed()[0] for name in ("published", "common"))
    assert edited.key != published.key
    assert same.key == common.key
    assert published.cell.name == "good/toy/smoke/published/s0"
    assert common.cell.name == "good/toy/smoke/s0"


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"recipe": "publisht"}, "There is no recipe 'publisht'. Did you mean 'published'?"),
        ({"settings": ["good.scale=1.5"]}, "a published recipe fixes the hyperparameters"),
    ],
)
def test_a_mistake_is_one_sentence(make_run, changes, says):
    with pytest.raises(UserError) as error:
        make_run(**changes)
    assert says in str(error.value)


def test_a_card_that_sets_what_the_model_does_not_have_is_told_before_anything_runs(make_run):
    make_run.card.write_text(CARD.replace("scale = 2.0", "skale = 2.0"))
    with pytest.raises(UserError, match="no hyperparameter 'skale'"):
        make_run()
