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
