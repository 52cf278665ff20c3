"""``archarena board``: from real records to a site."""

import re

import pytest
from archarena.leaderboard import screenshot


@pytest.fixture
def trade_off(call, plugins, tmp_path):
    """Return a results folder with two models on the toy task, each in one run with a cyclic learning rate."""
    folder = tmp_path / "results"
    variants = ["--model", "good", "--set", "good.scale=1.0,2.0", "--task", "toy", "--tier", "smoke"]
    options = ["--recipe", "trade-off", "--inline", "--device", "cpu", "--results", folder]
    code, _, err = call("run", *plugins, *variants, *options)
    assert code == 0, err
    return folder


def test_a_run_of_the_trade_off_recipe_is_drawn(call, trade_off, tmp_path):
    code, out, err = call("board", trade_off, "-o", tmp_path / "site")
    assert code == 0, err
    assert "2 variants, 2 cells" in out
    html = (tmp_path / "site" / "index.html").read_text()
    figure = re.search(r'<figure class="chart wide" id="section-1-trade-off".*?</figure>', html, re.DOTALL)[0]
    assert "Quality against training time" in figure
    assert len(re.findall(r">good\[scale=[12]\.0\]</text>", figure)) == 2


def test_the_picture_is_of_the_page_that_was_written(call, results, tmp_path, monkeypatch):
    taken = []
    monkeypatch.setattr(screenshot, "take_screenshot", lambda index, picture: taken.append((index.is_file(), picture)))
    code, out, _ = call("board", results, "-o", tmp_path / "site", "--screenshot", tmp_path / "page.png")
    assert (code, taken) == (0, [(True, tmp_path / "page.png")])
    assert f"Wrote {tmp_path / 'page.png'}" in out


def test_a_file_is_no_results_folder(call, results, tmp_path):
    (tmp_path / "README.md").write_text("")
    code, _, err = call("board", tmp_path / "README.md", results, "-o", tmp_path / "site")
    assert code == 2
    assert "is a file, not a results folder" in err


def test_a_selection_shows_only_its_rows(call, results, tmp_path):
    code, out, _ = call("board", results, "-o", tmp_path / "site", "--model", "good[scale=2.0]", "--tier", "smoke")
    assert code == 0
    assert "1 variant, 3 cells" in out
    page = (tmp_path / "site" / "index.html").read_text()
    assert "good[scale=2.0]" in page
    assert "good[scale=1.0]" not in page


@pytest.mark.parametrize(
    ("option", "says"),
    [
        (["--model", "goood"], "There is no model 'goood'. Did you mean 'good'?"),
        (["--task", "tay"], "There is no task 'tay'. Did you mean 'toy'?"),
        (["--suite", "toy"], "There is no suite 'toy'. Did you mean 'toys'?"),
        (["--tier", "quick"], "There is no tier 'quick'. Known: smoke."),
    ],
)
def test_an_unknown_selection_is_refused(call, results, tmp_path, option, says):
    code, _, err = call("board", results, "-o", tmp_path / "site", *option)
    assert code == 2
    assert says in err


def test_the_site_is_not_written_over_results_or_other_pages(call, results, tmp_path):
    code, _, err = call("board", results, "-o", results)
    assert (code, "is a results folder" in err) == (2, True)
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / "index.html").write_text("my homepage")
    code, _, err = call("board", results, "-o", tmp_path / "home")
    assert (code, "is not a page of archarena" in err) == (2, True)
    assert (tmp_path / "home" / "index.html").read_text() == "my homepage"


def test_a_forgotten_record_is_on_no_page_and_can_be_restored(call, results, tmp_path):
    code, out, _ = call("forget", "good[scale=2.0]", "--results", results, "--reason", "a wrong scale")
    assert code == 0
    assert "3 records forgotten; undo with --restore." in out
    call("board", results, "-o", tmp_path / "site")
    assert "good[scale=2.0]" not in (tmp_path / "site" / "index.html").read_text()
    log = (results / "forgotten" / "log.txt").read_text().splitlines()
    assert len(log) == 3
    assert log[0].endswith("a wrong scale")
    assert call("forget", "good[scale=2.0]/toy", "--results", results, "--restore")[0] == 0
    call("board", results, "-o", tmp_path / "site")
    assert "good[scale=2.0]" in (tmp_path / "site" / "index.html").read_text()
    assert call("forget", "good[scale=9.0]", "--results", results)[0] == 2
