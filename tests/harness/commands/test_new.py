"""A plugin made from a template passes the contract checks."""

import pytest


@pytest.mark.parametrize("kind", ["sequence-model", "field-model", "task"])
def test_a_new_plugin_passes_check(call, tmp_path, kind):
    file = tmp_path / "mine.py"
    code, out, _ = call("new", "my-thing", "--kind", kind, "--output", file)
    assert code == 0
    assert f"archarena check {file}" in out
    code, out, _ = call("check", file)
    assert code == 0, out
    assert ("task my-thing" if kind == "task" else "model my-thing") in out


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["My Model"], "'My Model' is not a name"),
        (["mine", "--kind", "modle"], "--kind modle: use sequence-model, field-model or task."),
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
