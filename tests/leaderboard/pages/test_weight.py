"""Download size of the pages: 24 models on 33 tasks with 3 seeds."""

import itertools
import random
import zlib

import pytest
from archarena.harness.records.cards import ModelCard, TaskCard
from archarena.leaderboard.pages import files as pages
from archarena.leaderboard.pages.site import make_site
from archarena.leaderboard.read.results import Results

SUITES = ("lra", "recall", "math")


@pytest.fixture(scope="module")
def site(make_record, task_card):
    generator = random.Random(0)
    tasks = [f"{suite}-task-{number}" for suite in SUITES for number in range(11)]
    models = [ModelCard(name=f"model-{number}", family=f"family {number % 6}") for number in range(24)]
    cells = itertools.product(models, tasks, range(3))
    records = [make_record(model.name, task, seed, generator.random()) for model, task, seed in cells]
    cards = [task_card(task, [task]) for task in tasks]
    for card in cards:
        references = (("chance", 0.1), ("ceiling", 1.0))
        card["reference_scores"] = [
            {"column": card["task"], "name": name, "value": value, "kind": name} for name, value in references
        ]
    by_name = {(card["task"], "quick"): TaskCard.model_validate(card) for card in cards}
    return make_site(Results(tuple(records), {model.name: model for model in models}, by_name))


def test_the_index_weighs_less_than_400_kibibytes_compressed(site):
    files = dict(pages.index_page(site))
    texts = [files["index.html"], pages.board_script()]
    texts += [(pages.ASSETS / name).read_text() for name in ("board.css", "theme.js", "charts.js")]
    assert sum(len(zlib.compress(text.encode())) for text in texts) < 400 * 1024
    charts = sum(len(text) for name, text in files.items() if name.startswith("charts/"))
    assert charts < 1_000_000, "download of a reader who explores every chart, without the library"


def test_the_first_table_is_in_the_page_before_any_script(site):
    html = dict(pages.index_page(site))["index.html"]
    assert html.count("<td") > 24 * 33
    assert html.index("</table>") < html.index("application/json")
