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
