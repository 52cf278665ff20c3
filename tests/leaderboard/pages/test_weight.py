"""Download size of the pages: 20 models on 25 tasks with 5 seeds."""

import itertools
import random

import pytest
from archarena.harness.records.cards import ModelCard, TaskCard
from archarena.leaderboard.pages import files as pages
from archarena.leaderboard.pages.site import make_site
from archarena.leaderboard.read.results import Results

SUITES = ("lra", "recall", "math", "ctr", "image")
MEGABYTE = 1_000_000


@pytest.fixture(scope="module")
def site(make_record, task_card):
    generator = random.Random(0)
    tasks = [f"{suite}-task-{number}" for suite in SUITES for number in range(5)]
    models = [ModelCard(name=f"model-{number}", family=f"family {number % 6}") for number in range(20)]
    cells = itertools.product(models, tasks, range(5))
    records = [make_record(model.name, task, seed, generator.random()) for model, task, seed in cells]
    cards = [task_card(task, [task]) for task in tasks]
    for card in cards:
        references = (("chance", 0.1), ("ceiling", 1.0))
        card["reference_scores"] = [
            {"column": card["task"], "name": name, "value": value, "kind": name} for name, value in references
        ]
    by_name = {(card["task"], "quick"): TaskCard.model_validate(card) for card in cards}
    return make_site(Results(tuple(records), {model.name: model for model in models}, by_name))


def test_the_index_weighs_less_than_a_megabyte_and_a_half_all_told(site):
    files = dict(pages.index_page(site))
    folder = pages.ASSETS
    opened = len(files["index.html"].encode()) + sum(
        (folder / name).stat().st_size for name in ("board.css", "theme.js")
    )
    opened += sum((folder / f"{name}.js").stat().st_size for name in pages.SCRIPTS)
    assert opened < 1.5 * MEGABYTE
    charts = sum(len(text) for name, text in files.items() if name.startswith("charts/"))
    assert charts < MEGABYTE, "download of a reader who explores every chart, without the library"


def test_the_first_table_is_in_the_page_before_any_script(site):
    html = dict(pages.index_page(site))["index.html"]
    assert html.count("<td") > 20 * 25
    assert html.index("</table>") < html.index("application/json")
