"""A plugin imports the modules next to it, in the parent and in a child process."""

import os

import pytest
from archarena.harness import UserError
from archarena.harness.contract.registry import discover
from archarena.harness.contract.scan import scan

CLASS = """
from archarena.harness import register_model

@register_model("m", summary="")
class M:
    value = VALUE
"""


def write(folder, **files):
    """Write modules into a folder."""
    for name, text in files.items():
        path = folder.joinpath(*name.split("__")).with_suffix(".py") if name != "__init__" else folder / "__init__.py"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


def value(file):
    """Return the value of the model in a plugin file."""
    return scan(file)[0].load().value


def test_a_plugin_imports_a_module_next_to_it(tmp_path):
    write(tmp_path, layers="VALUE = 3", m=f"from layers import VALUE\n{CLASS}")
    assert value(tmp_path / "m.py") == 3


def test_a_plugin_in_a_package_imports_relatively_and_by_the_name_of_the_package(tmp_path):
    package = tmp_path / "nets_of_mine"
    write(package, __init__="", layers="VALUE = 4", m=f"from .layers import VALUE\nimport nets_of_mine.layers\n{CLASS}")
    assert value(package / "m.py") == 4


def test_two_plugins_have_modules_of_the_same_name(tmp_path):
    for number in (1, 2):
        write(tmp_path / str(number), layers=f"VALUE = {number}", m=f"from layers import VALUE\n{CLASS}")
    assert [value(tmp_path / str(number) / "m.py") for number in (1, 2, 1)] == [1, 2, 1]


def test_an_edited_module_is_imported_again(tmp_path):
    write(tmp_path, layers="VALUE = 5", m=f"from layers import VALUE\n{CLASS}")
    assert value(tmp_path / "m.py") == 5
    write(tmp_path, layers="VALUE = 66")
    os.utime(tmp_path / "layers.py", ns=(1, 1))
    assert value(tmp_path / "m.py") == 66


def test_a_relative_import_outside_a_package_says_what_to_do(tmp_path):
    write(tmp_path, layers="VALUE = 7", m=f"from .layers import VALUE\n{CLASS}")
    with pytest.raises(UserError, match="works only in a package: add an empty __init__"):
        discover([tmp_path / "m.py"]).find("model", "m").load()
