"""Model cards: their content, and one clear sentence for an invalid one."""

import pytest
from archarena.harness.commands import main
from archarena.harness.errors import UserError
from archarena.harness.planning.model_card import load_card

CARD = """
multiplies = "The state with a decay of the token."
deviations = ["Ours starts at one."]

[published.lra-listops]
citation = "arXiv:0000.00000, Table 8"
read_from = ["some/repository@0123abc:configs/listops.yaml", "arXiv:0000.00000v2:Table 8"]
width = 80
depth = 6
hyperparameters = { d_state = 16 }
steps = 90000
batch = 64
recipe = { learning_rate = 1e-3, schedule = "linear", warmup_steps = 3000, betas = [0.9, 0.98], dropout = 0.1 }
"""


@pytest.fixture
def write_card(tmp_path):
    """Return a function that writes the card of model ``good`` and returns the path of its source."""

    def write(text):
        (tmp_path / "cards").mkdir(exist_ok=True)
        (tmp_path / "cards" / "good.toml").write_text(text)
        return tmp_path / "good_model.py"

    return write


def test_a_card_holds_the_published_recipe_as_the_harness_trains_by_it(write_card):
    card = load_card("good", write_card(CARD))
    published = card.published["lra-listops"]
    assert (published.width, published.depth, published.steps, published.batch) == (80, 6, 90000, 64)
    assert published.hyperparameters == {"d_state": 16, "dropout": 0.1}
    recipe = published.recipe
    assert (recipe.name, recipe.learning_rates, recipe.betas) == ("published", (1e-3,), (0.9, 0.98))
    assert (recipe.clip, recipe.weight_decay, recipe.floor) == (0.0, 0.0, 0.0)


def test_a_model_without_a_card_has_none(tmp_path):
    assert load_card("good", tmp_path / "good_model.py") is None


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("multiplies", "multiplys", "multiplies: Field required"),
        ("warmup_steps", "warmup_stepz", "recipe has no key 'warmup_stepz'. Did you mean 'warmup_steps'?"),
        ('"linear"', '"sawtooth"', "schedule: Input should be 'cosine'"),
        ("steps = 90000", "epochs = 3\nsteps = 90000", "give either steps or epochs"),
        (
            "steps = 90000\nbatch = 64\nrecipe = {",
            "epochs = 9\nbatch = 64\nrecipe = { separate_batch = 3,",
            "with separate_batch, give steps, not epochs",
        ),
        ("learning_rate = 1e-3", "learning_rate = 0.0", "needs a learning_rate above 0"),
        ("@0123abc", "", "read_from.0: String should match pattern"),
        ("v2:", ":", "read_from.1: String should match pattern"),
        ("width = 80", "width = 0", "width: Input should be greater than 0"),
        ("[published.lra-listops]", "[published", "cannot be read"),
    ],
)
def test_a_broken_card_is_told_in_one_sentence(write_card, old, new, told):
    with pytest.raises(UserError) as error:
        load_card("good", write_card(CARD.replace(old, new)))
    assert told in str(error.value)
    assert "good.toml" in str(error.value)
    assert "\n" not in str(error.value)


def test_list_tells_a_models_card(make_model, write_card, capsys):
    plugin = make_model("good")
    write_card(CARD)
    with pytest.raises(SystemExit):
        main(["list", "good", "--plugin", str(plugin)])
    printed = capsys.readouterr().out
    assert "multiplies: The state with a decay of the token." in printed
    assert "published recipe for lra-listops: width 80, depth 6, 90000 steps of 64 rows (arXiv:0000.00000" in printed
    assert "read from some/repository@0123abc:configs/listops.yaml" in printed
