"""A plugin made from a template passes the contract checks, as a file and as a package."""

import subprocess
import sys
import tomllib

import pytest
from archarena.harness.commands.new import KINDS


@pytest.mark.parametrize("kind", KINDS)
def test_a_new_plugin_passes_check(call, tmp_path, kind):
    file = tmp_path / "mine.py"
    code, out, _ = call("new", "my-thing", "--kind", kind, "--output", file)
    assert code == 0
    assert f"archarena check {file}" in out
    code, out, _ = call("check", file, "--data", tmp_path / "data" if kind == "dataset" else tmp_path)
    assert code == 0, out
    assert f"{KINDS[kind]} my-thing" in out


@pytest.mark.parametrize("kind", ["field", "dataset"])
def test_a_new_package_registers_its_class_and_passes_its_own_test(call, tmp_path, kind):
    place = tmp_path / "my-thing"
    assert call("new", "my-thing", "--kind", kind, "--package", "--output", place)[0] == 0
    what = KINDS[kind]
    project = tomllib.loads((place / "pyproject.toml").read_text())["project"]
    assert project["entry-points"] == {f"archarena.{what}s": {"my-thing": "my_thing"}}
    assert f'@register_{what}("my-thing"' in (place / "src" / "my_thing" / f"{what}.py").read_text()
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "tests"]
    environment = {"PYTHONPATH": str(place / "src"), "PATH": ""}
    done = subprocess.run(command, cwd=place, env=environment, capture_output=True, text=True)
    assert "1 passed" in done.stdout, done.stdout + done.stderr


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["My Model"], "'My Model' is not a name"),
        (["mine", "--kind", "modle"], "--kind modle: use sequence, field, image, task or dataset."),
        (["mamba"], "The name 'mamba' is taken"),
        (["recall-mqar", "--kind", "task"], "The name 'recall-mqar' is taken"),
        (["mine", "--output", "/proc/no/mine.py"], "Cannot write /proc/no/mine.py"),
    ],
)
def test_a_mistake_is_one_sentence(call, arguments, says):
    code, _, err = call("new", *arguments)
    assert code == 2
    assert says in err


def test_a_file_that_is_there_is_kept(call, tmp_path):
    file = tmp_path / "mine.py"
    file.write_text("precious")
    assert call("new", "mine", "--output", file)[0] == 2
    assert file.read_text() == "precious"
