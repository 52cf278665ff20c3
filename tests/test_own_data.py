"""The task of docs/own-data.md, which reads a data set from the hub: here from a folder in the hub's layout."""

import json
import re
from pathlib import Path

import pytest
from archarena.harness.commands import main

PAGE = Path(__file__).parents[1] / "docs" / "own-data.md"
ROWS = {"train": 200, "validation": 60}


@pytest.fixture
def plugin(tmp_path):
    """Return the plugin of the page, with a local repository in place of the one on the hub."""
    repository = tmp_path / "hub" / "my-reviews"
    repository.mkdir(parents=True)
    for split, rows in ROWS.items():
        texts = {f"{split} {row} was {'bad' if row % 2 else 'good'}": row % 2 for row in range(rows)}
        lines = [json.dumps({"text": text, "label": label}) for text, label in texts.items()]
        (repository / f"{split}.jsonl").write_text("\n".join(lines))
    source = re.search(r"```python\n(# my_reviews\.py\n.*?)```", PAGE.read_text(), re.DOTALL)[1]
    file = tmp_path / "my_reviews.py"
    file.write_text(source.replace("me/my-reviews", str(repository)))
    return file


def test_a_data_set_of_the_hub_is_a_task_in_under_30_lines(plugin):
    assert len([line for line in plugin.read_text().splitlines() if line.strip() and line[0] != "#"]) < 30


def test_it_is_fetched_checked_and_run(plugin, tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("ARCHARENA_HUB", "1")
    (tmp_path / "data").mkdir()
    options = ["--plugin", str(plugin), "--data", str(tmp_path / "data")]
    runs = ["run", *options, "--task", "my-reviews", "--model", "mlp", "--tier", "smoke", "--device", "cpu", "--inline"]
    for arguments in (
        ["data", "fetch", "my-reviews", *options],
        ["check", str(plugin), "--data", str(tmp_path / "data")],
        [*runs, "--results", str(tmp_path / "results")],
    ):
        with pytest.raises(SystemExit) as end:
            main(arguments)
        printed = capsys.readouterr()
        assert end.value.code in (0, None), printed.out + printed.err
    assert "1 ok." in printed.out
