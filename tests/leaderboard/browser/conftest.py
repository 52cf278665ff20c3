"""A site in a real browser."""

import shutil

import pytest
from archarena.harness.records.record import Decisions, LayerInfo
from archarena.harness.records.samples import SampleCard, SampleRow
from archarena.harness.records.store import ResultStore
from archarena.leaderboard.build import build_board

FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
LAYERS = [
    LayerInfo(depth=0, name="core", kind="Mamba", parameters=90, shape=[32, 64]),
    LayerInfo(depth=1, name="blocks.0", kind="Residual", repeat=2, parameters=40, products={"selective scan": 1}),
]
LONG = "mamba[" + "very_long_hyperparameter_name=1," * 5 + "]"


@pytest.fixture(scope="session")
def browser():
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    chromium = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if chromium is None:
        pytest.skip("no chromium was found")
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=chromium, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def site(write_results, make_record, task_card, model_card, tmp_path_factory):
    """Return the folder of a site with several seeds, failures, slices and hostile names."""
    tasks = {"recall-mqar": ["recall-mqar"], "lra-listops": ["lra-listops"], "math": ["math-lm", "math-choice"]}
    variants = ("mamba", "transformer", "mlp", LONG, '<img src=x onerror="window.hacked=1">\u202eabc')
    records = [
        make_record(variant, task, seed, dict.fromkeys(columns, 0.1 + 0.1 * index + 0.01 * seed))
        for index, variant in enumerate(variants)
        for task, columns in tasks.items()
        for seed in range(3)
    ]
    records[0] = make_record("mamba", status="timeout", reason="Too slow. " * 20, log_tail="x" * 500)
    records[-1].scores["math-choice"].slices = {"level": {str(level): level / 10 for level in range(1, 6)}}
    decided = Decisions(confusion=[[5, 1], [2, 4]])
    records[1] = make_record("mamba", seed=1, value=0.11, sampled=[[1], [2]], decisions=decided, outline=LAYERS)
    records[18] = make_record("mlp", seed=0, value=0.3, sampled=[[1], [1]])
    cards = [task_card(task, columns, spec={"outputs": {"kind": "PerPosition"}}) for task, columns in tasks.items()]
    models = [model_card(variant.split("[")[0]) for variant in ("mamba", "transformer", "mlp")]
    folder = tmp_path_factory.mktemp("pages")
    results = write_results(folder / "results", *records, tasks=cards, models=models)
    rows = [SampleRow(row=row, inputs={"tokens": [9, 1, 9]}, target=[1], positions=[2], first=row) for row in range(2)]
    card = SampleCard(task="recall-mqar", tier="quick", shown_as="tokens", predictions="p", rows=rows)
    ResultStore(results).write_card(card)
    build_board([results], folder / "site")
    return folder / "site"


@pytest.fixture
def open_page(browser, site):
    """Return a function that opens a page of the site and stores its requests."""
    contexts = []

    def open_(name="index.html", hash="", **options):
        context = browser.new_context(**options)
        contexts.append(context)
        page = context.new_page()
        page.requests, page.problems = [], []
        page.on("pageerror", lambda error: page.problems.append(str(error)))
        page.on("console", lambda message: message.type == "error" and page.problems.append(message.text))
        page.on("request", lambda request: page.requests.append(request.url))
        path, _, place = name.partition("#")
        page.goto((site / path).as_uri() + (f"#{place}" if place else hash))
        return page

    yield open_
    for context in contexts:
        context.close()
