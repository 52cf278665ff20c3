import csv
import json
import re
from html.parser import HTMLParser

import pytest
from archarena.harness.errors import UserError
from archarena.harness.records.record import LayerInfo
from archarena.harness.records.samples import SampleCard, SampleRow
from archarena.harness.records.store import ResultStore
from archarena.leaderboard.build import build_board

VOID = {"meta", "link", "br", "input"}
HOSTILE = '</script><img src=x onerror="window.hacked=1">"><svg onload=alert(1)>\n</td></tr><tr><td>\u202efake{{ 7*7 }}'


class Page(HTMLParser):
    """Elements, links and the text of each table row of a page."""

    def __init__(self, path):
        super().__init__()
        self.tags, self.links, self.rows, self.payloads = [], [], [], []
        self.open = []
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)
        if tag == "a":
            self.links.append(dict(attrs)["href"])
        if tag == "tr":
            self.rows.append([])
        if tag in ("td", "th") and self.rows:
            self.rows[-1].append("")

    def handle_startendtag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        assert self.open.pop() == tag, "elements close in the order in which they opened"

    def handle_data(self, data):
        if self.open[-1:] == ["script"]:
            self.payloads.append(data)
        if {"td", "th"} & set(self.open):
            self.rows[-1][-1] = " ".join((self.rows[-1][-1] + " " + data).split())

    @property
    def ids(self):
        return {attributes.get("id") for _, attributes in self.tags}

    def row(self, name):
        return next(row for row in self.rows if row and row[0].startswith(name))


@pytest.fixture
def site(results, tmp_path):
    """Return a function that builds a site and gives its folder and summary."""

    def build(*records, **cards):
        folder = tmp_path / "site"
        return folder, build_board([results(*records, **cards)], folder)

    return build


def run_page(folder, record):
    return folder / "runs" / f"{record.short_key}.html"


def test_a_site_has_a_page_per_run_model_and_task_and_one_to_compare(site, make_record):
    records = [make_record("mamba"), make_record("mlp", status="crashed", reason="boom")]
    folder, summary = site(*records)
    found = {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}
    pages = {f"runs/{record.short_key}.html" for record in records}
    pages |= {"models/mamba.html", "models/mlp.html", "tasks/recall-mqar.html", "compare.html"}
    pages |= {"index.html", "reading.html", "table.csv", "table.json"}
    assert {name for name in found if not name.startswith(("assets/", "charts/"))} == pages
    assert {"assets/vega.js", "assets/board.css", "assets/board.js"} <= found
    assert (summary.rows, summary.cells, summary.failures, summary.pages) == (2, 2, 1, len(found))
    assert str(summary) == f"2 variants, 2 cells, 1 of them failed; {len(found)} of {len(found)} files changed"
    assert summary.index == folder / "index.html"


def test_every_link_leads_to_a_file_or_a_place_on_the_page(site, make_record):
    folder, _ = site(make_record(seed=0), make_record(seed=1), make_record("mlp", status="oom"))
    for path in folder.rglob("*.html"):
        page = Page(path)
        for link in page.links:
            name, _, place = link.partition("#")
            target = (path.parent / name).resolve() if name else path
            assert target.is_file()
            assert not place or place in Page(target).ids or target.name == "compare.html"


def test_only_what_changed_is_written_again(site, make_record, results, tmp_path):
    folder, first = site(make_record("mamba"), make_record("mlp"))
    before = {path: path.stat().st_mtime_ns for path in folder.rglob("*") if path.is_file()}
    again = build_board([tmp_path / "results"], folder)
    assert (first.written, again.written) == (first.pages, 0)
    assert before == {path: path.stat().st_mtime_ns for path in before}
    other = make_record("monet", "digits")
    results(other)
    build_board([tmp_path / "results"], folder)
    changed = {str(path.relative_to(folder)) for path in before if path.stat().st_mtime_ns != before[path]}
    assert changed >= {"index.html", "table.csv"}
    assert not any(name.startswith("runs/") for name in changed), "no page of an unchanged run"
    assert run_page(folder, other).is_file()


def test_every_number_of_the_table_comes_from_the_csv(site, make_record):
    values = {"mamba": (0.91, 0.93, 0.98), "mlp": (0.03, 0.05, 0.04)}
    folder, _ = site(
        *(make_record(name, seed=s, value=v) for name, scores in values.items() for s, v in enumerate(scores))
    )
    with (folder / "table.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    page = Page(folder / "index.html")
    for variant in values:
        scores = [100 * float(row["value"]) for row in rows if (row["kind"], row["variant"]) == ("score", variant)]
        assert f"{sum(scores) / 3:.1f} ±" in page.row(variant)[3]
        seeds = Page(folder / "tasks" / "recall-mqar.html").row(variant)[5]
        assert re.findall(r"seed \d: ([\d.]+)", seeds) == [f"{score:.1f}" for score in scores]


def test_failures_show_their_status_and_reason(site, make_record):
    failed = make_record("tcnca", status="timeout", reason="Took longer than 900 s.", log_tail="step 7\n  <last line>")
    folder, _ = site(make_record("mamba"), make_record("mamba", "digits"), failed)
    page = Page(folder / "index.html")
    row = page.row("tcnca")
    assert row[1] == "0 of 1"
    assert row[4] == "not run"
    assert row[5] == "timeout"
    (unfinished,) = [row for row in page.rows if row and row[0] == "tcnca"]
    assert unfinished == ["tcnca", "recall-mqar", "0", "timeout", "Took longer than 900 s."]
    text = run_page(folder, failed).read_text()
    assert "Took longer than 900 s." in text
    assert "step 7\n  &lt;last line&gt;" in text
    assert failed.command in text


def test_a_mean_that_beats_no_rule_says_so_in_words(site, make_record):
    folder, _ = site(make_record("mlp", "lra-listops", value=0.16), make_record("mamba", "lra-listops", value=0.5))
    assert "no better than majority" in Page(folder / "index.html").row("mlp")[3]


def test_references_have_rows_of_their_own(site, make_record):
    folder, _ = site(make_record(), make_record("mlp"))
    page = Page(folder / "index.html")
    assert page.row("chance")[3] == "3.1 any value"
    assert page.row("best baseline")[3] == "25.0 value from the row"
    assert page.row("ceiling")[3] == "100.0"


def test_the_page_says_what_the_interval_covers_and_that_one_seed_cannot_tell(site, make_record):
    folder, _ = site(make_record(), make_record("mlp"))
    assert "one seed does not show whether training again would change the order" in " ".join(
        (folder / "index.html").read_text().split()
    )
    text = " ".join((folder / "reading.html").read_text().split())
    assert "covers the choice of test rows and the noise of seeds" in text
    assert "does not cover the tuning or the hardware" in text
    assert "Compare times only within one device and one protocol" in text


def test_conflicts_are_said_on_the_page(results, make_record, tmp_path):
    one = results(make_record(value=0.1), name="one")
    two = results(make_record(value=0.2, started="2027-01-01"), name="two")
    summary = build_board([one, two], tmp_path / "site")
    assert len(summary.notes) == 1
    assert summary.notes[0] in (tmp_path / "site" / "index.html").read_text()


def hostile_record(make_record, variant=HOSTILE):
    return make_record(
        variant,
        HOSTILE,
        value={HOSTILE: 0.5},
        reason=HOSTILE,
        log_tail=HOSTILE,
        command=HOSTILE,
        lift=HOSTILE,
        started=HOSTILE,
        kernels={HOSTILE: HOSTILE},
        environment={HOSTILE: {HOSTILE: [HOSTILE]}},
        sampled=[HOSTILE, [HOSTILE], {HOSTILE: HOSTILE}, 1],
        outline=[LayerInfo(depth=0, name=HOSTILE, kind=HOSTILE, products={HOSTILE: 1})],
        cell={"tier": HOSTILE, "recipe": HOSTILE, "model": HOSTILE, "hyperparameters": {HOSTILE: HOSTILE}},
        parts={"device": HOSTILE, "protocol": HOSTILE},
    )


def hostile_cards(task_card, model_card):
    score = {"column": HOSTILE, "name": HOSTILE, "value": 0.9, "kind": "baseline", "summary": HOSTILE}
    texts = {"tier": HOSTILE, "summary": HOSTILE, "suites": [HOSTILE], "rows": {HOSTILE: 1}}
    model = model_card(HOSTILE, summary=HOSTILE, family=HOSTILE, paper=HOSTILE)
    texts["spec"] = {"outputs": {"kind": "Classes"}}
    return {"tasks": [task_card(HOSTILE, [HOSTILE], reference_scores=[score], **texts)], "models": [model]}


def hostile_samples():
    kinds = ({"tokens": [0, 1]}, {"tokens": HOSTILE}, {HOSTILE: HOSTILE}, {"ids": [[HOSTILE]], "dense": [1]})
    rows = [SampleRow(row=i, inputs=inputs, target=HOSTILE, first=i) for i, inputs in enumerate(kinds)]
    names = [HOSTILE, HOSTILE]
    return SampleCard(task=HOSTILE, tier=HOSTILE, shown_as="tokens", names=names, predictions="p", rows=rows)


def test_hostile_text_is_only_text(site, make_record, task_card, model_card, tmp_path):
    others = [make_record(name, HOSTILE, seed, {HOSTILE: 0.4}) for seed in range(3) for name in ("mamba", "mlp")]
    others.append(hostile_record(make_record, "plain"))
    ResultStore(tmp_path / "results").write_card(hostile_samples())
    folder, _ = site(hostile_record(make_record), *others, **hostile_cards(task_card, model_card))
    for path in folder.rglob("*.html"):
        page = Page(path)
        assert not {"img", "iframe", "object", "style"} & {tag for tag, _ in page.tags}
        scripts = [attributes for tag, attributes in page.tags if tag == "script"]
        assert all("assets/" in script.get("src", "assets/") for script in scripts)
        assert all(script.get("src") or script["type"] == "application/json" for script in scripts)
        assert not [name for _, attributes in page.tags for name in attributes if name.startswith("on")]
        text = path.read_text(encoding="utf-8")
        assert "\u202e" not in text
        assert path.name == "reading.html" or "{{ 7*7 }}" in text, "a template in a name is not rendered"
    payloads = [json.loads(text) for text in Page(folder / "index.html").payloads]
    assert HOSTILE.replace("\u202e", "\\u202e") in [row["variant"] for data in payloads for row in data["rows"]]
    scores = [row for row in Page(folder / "index.html").rows if row and row[0].startswith("</script>")]
    assert len(scores) == 4, "the row of scores, the row of costs, and a header of the column in both sections"


def test_no_records_is_one_sentence(tmp_path):
    with pytest.raises(UserError, match="no records"):
        build_board([tmp_path], tmp_path / "site")


def test_a_smoke_board_marks_nothing(site, make_record, task_card):
    values, smoke = {"a": 0.1, "b": 0.9}, {"tier": "smoke"}
    records = [make_record(name, seed=seed, value=values[name], cell=smoke) for name in values for seed in range(3)]
    folder, _ = site(*records, tasks=[task_card("recall-mqar", ["recall-mqar"], tier="smoke")])
    for page in (folder / "index.html", *folder.glob("tasks/*.html"), *folder.glob("models/*.html")):
        classes = {word for _, attributes in Page(page).tags for word in attributes.get("class", "").split()}
        assert not classes & {"best", "tied", "leading", "behind", "mark"}, page
    assert "no marks, ranks or ties" in (folder / "index.html").read_text()


def test_the_page_marks_cells_of_an_older_source_and_says_how_to_run_them_again(site, make_record):
    old = make_record("mamba", "lra-listops", parts={"model_source": "old"})
    new = make_record("mamba", parts={"model_source": "new"}, started="2026-02-01T00:00:00+00:00")
    folder, _ = site(old, new)
    text = (folder / "index.html").read_text()
    assert text.count('<span class="unseen"> older source</span>') == 1
    assert "archarena run --rerun stale --tier quick" in text
