"""The cards of built-in models: all can be read, and their published recipes suit the model."""

import pytest
from archarena.harness.contract.hyperparameters import check_hyperparameters
from archarena.harness.contract.registry import discover
from archarena.harness.planning.model_card import load_card
from archarena.models.mega import MegaChunk

CARDS = {name: load_card(name, entry.file) for name, entry in discover().models.items()}


def test_every_built_in_model_has_a_card():
    assert not [name for name, card in CARDS.items() if card is None]


@pytest.mark.parametrize("name", CARDS)
def test_published_recipes_set_only_hyperparameters_that_the_model_has(name):
    cls = discover().find("model", name).load()
    for published in CARDS[name].published.values():
        check_hyperparameters(cls, published.hyperparameters)


RECIPES = [(name, task) for name, card in CARDS.items() if card for task in card.published]


@pytest.mark.parametrize(("name", "task"), RECIPES)
def test_every_published_recipe_names_file_and_commit_of_its_source(name, task):
    assert CARDS[name].published[task].read_from


def test_settings_are_those_of_the_sources_they_name():
    s4d, mega = CARDS["s4d"].published, CARDS["mega"].published
    # n_ssm and lr.dt of state-spaces/s4@e757cef:configs/experiment/lra/
    shared = {task: published.hyperparameters.get("n_ssm") for task, published in s4d.items()}
    assert [task for task in shared if shared[task] == 1] == ["lra-listops", "lra-text", "lra-retrieval", "lra-image"]
    full_rate = [task for task, published in s4d.items() if published.hyperparameters.get("cap_dt") is False]
    assert full_rate == ["lra-listops", "lra-text", "lra-retrieval"]
    # --warmup-power of facebookresearch/mega@aeaa4b4:examples/mega/README.lra.md, for Path-X alone
    assert {task: published.recipe.warmup_power for task, published in mega.items()} == {
        task: 2 if task == "lra-pathx" else 1 for task in mega
    }
    assert all(published.recipe.decay_all for published in mega.values())
    # batch_size, batch_size // 10 for pairs, and num_steps of two updates each, of
    # Benjamin-Walker/selective-ssms-and-linear-cdes@18a0a8d:linear_cde.py
    word_problem = CARDS["linear-cde"].published["recall-a5"]
    assert (word_problem.batch, word_problem.recipe.separate_batch, word_problem.steps) == (32, 3, 2_000_000)
    # FuxiCTR's loaders keep the last batch: DataLoader without drop_last in
    # reczoo/FuxiCTR@0245987:fuxictr/pytorch/dataloaders/parquet_dataloader.py
    click_recipes = [CARDS[name].published[task] for name, task in RECIPES if task.startswith("ctr-")]
    assert all(published.recipe.keep_last for published in click_recipes)
    # "monitor" of reczoo/RecZoo@88fae23:ranking/ctr/FinalMLP/results/DualMLP_*.log
    monitored = {task: published.recipe.metric for task, published in CARDS["dualmlp"].published.items()}
    assert {task for task, metric in monitored.items() if metric == "auc_minus_log_loss"} == {"ctr-frappe"}


@pytest.mark.parametrize(
    ("name", "statement"),
    [
        ("mamba", "v2 of Vim (arXiv:2401.09417"),
        ("linear-cde", "a separate update on 3 products of two elements"),
        ("tcnca", "constant for a fixed number of layers"),
    ],
)
def test_a_card_states(name, statement):
    card = CARDS[name]
    assert statement in " ".join((*card.deviations, card.strengths))


@pytest.mark.parametrize(
    "task", ["lra-listops", "lra-text", "lra-retrieval", "lra-image", "lra-pathfinder", "lra-pathx"]
)
def test_megas_published_sizes_build_and_its_chunked_form_changes_the_chunk_alone(task):
    whole, chunked = (CARDS[name].published[task] for name in ("mega", "mega-chunk"))
    given = dict(chunked.hyperparameters)
    assert given.pop("chunk", 128) == (4096 if task == "lra-pathx" else 128)
    assert chunked.model_copy(update={"hyperparameters": given}) == whole
    assert whole.hyperparameters["value"] == whole.hyperparameters["ffn"] == 2 * whole.width
    MegaChunk(whole.width, whole.depth, False, 1024, **chunked.hyperparameters)
