"""The README's plugin works for a new user, in a folder that has its own models/, tasks/ and tests/."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

README = Path(__file__).parents[1] / "README.md"


@pytest.fixture
def plugin(tmp_path: Path) -> Path:
    """Return the README's model in a folder with packages that fail when imported."""
    for name in ("harness", "models", "tasks", "tests"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "__init__.py").write_text("raise RuntimeError('not archarena')")
    source = re.search(r"```python\n# (gated_conv\.py)\n(.*?)```", README.read_text(), re.DOTALL)
    assert source
    path = tmp_path / source[1]
    path.write_text(source[2])
    return path


def archarena(folder: Path, *arguments: str) -> str:
    """Run the command line in a folder and return what it printed."""
    command = [sys.executable, "-P", "-m", "archarena.harness", *arguments]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_the_plugin_of_the_readme_is_a_file_of_25_lines(plugin):
    assert len(plugin.read_text().splitlines()) <= 25


def test_it_passes_the_check(plugin):
    assert "All checks passed." in archarena(plugin.parent, "check", plugin.name)


def test_it_runs_and_is_shown_beside_the_built_in_models(plugin):
    chosen = ["--model", "gated-conv", "--model", "mlp", "--task", "recall-mqar", "--task", "digits"]
    archarena(plugin.parent, "run", "--plugin", plugin.name, *chosen, "--tier", "smoke", "--device", "cpu")
    archarena(plugin.parent, "board", "results", "-o", "site")
    page = (plugin.parent / "site" / "index.html").read_text()
    assert "gated-conv" in page
    assert "mlp" in page
    assert len(list((plugin.parent / "site" / "runs").glob("*.html"))) == 4
