"""Records contain no path of the machine on which they were made."""

import sys
from pathlib import Path

import pytest
from archarena.harness.running.own_paths import relative, without_own_paths


def test_a_plugin_is_named_relative_to_the_working_directory_or_by_its_file(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert relative(tmp_path / "models" / "m.py") == "models/m.py"
    assert relative(Path("models/m.py")) == "models/m.py"
    assert relative(tmp_path.parent / "m.py") == "m.py"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('File "{folder}/m.py", line 3', 'File "m.py", line 3'),
        ("{folder}/results/work/cells/x is missing.", "work/cells/x is missing."),
        (f"in {sys.prefix}/lib/python3/site-packages/torch/nn.py", "in site-packages/torch/nn.py"),
        (f"in {sys.base_prefix}/lib/python3/ast.py", "in python/lib/python3/ast.py"),
        (f"{Path.home()}/data.csv", "~/data.csv"),
        ("a / b and /proc/cpuinfo", "a / b and /proc/cpuinfo"),
    ],
)
def test_paths_in_a_text_start_in_a_well_known_folder(tmp_path, monkeypatch, text, expected):
    monkeypatch.chdir("/")
    folders = [tmp_path, tmp_path / "results"]
    assert without_own_paths(text.format(folder=tmp_path), folders) == expected
