"""A source hash covers what a plugin imports from its own project and distribution, and nothing else."""

import sys

import pytest
from archarena.harness.contract.scan import scan
from archarena.harness.planning.source_hash import source_hash

CLASS = '@register_model("m", summary="")\nclass M:\n    pass\n'


def edited(file):
    """Change the code of a file."""
    file.write_text(file.read_text() + "\nVALUE = 2\n")


@pytest.fixture
def project(tmp_path):
    """Return a project with a plugin file, modules next to it, a package above it, and modules it does not import."""
    files = {
        "pyproject.toml": "",
        "plugins/m.py": f"import helper, numpy\nfrom parts.layers import Layer\nfrom lib.more import one\n{CLASS}",
        "plugins/helper.py": "import deeper\n",
        "plugins/deeper.py": "VALUE = 1\n",
        "plugins/parts/__init__.py": "",
        "plugins/parts/layers.py": "from .norms import Norm\n",
        "plugins/parts/norms.py": "",
        "lib/more.py": "",
        "plugins/other.py": "",
    }
    for name, text in files.items():
        path = tmp_path / "project" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return tmp_path / "project"


@pytest.mark.parametrize(
    ("file", "matters"),
    [
        ("plugins/helper.py", True),
        ("plugins/deeper.py", True),
        ("plugins/parts/__init__.py", True),
        ("plugins/parts/layers.py", True),
        ("plugins/parts/norms.py", True),
        ("lib/more.py", True),
        ("plugins/other.py", False),
    ],
)
def test_editing_a_module_of_the_plugins_project_changes_the_hash(project, file, matters):
    (entry,) = scan(project / "plugins" / "m.py")
    before = source_hash(entry)
    edited(project / file)
    assert (source_hash(entry) != before) == matters


def test_relative_imports_of_a_plugin_in_a_package_are_followed(tmp_path):
    for name, text in (("__init__", ""), ("layers", ""), ("m", f"from .layers import x\n{CLASS}")):
        (tmp_path / f"{name}.py").write_text(text)
    (entry,) = scan(tmp_path / "m.py")
    before = source_hash(entry)
    edited(tmp_path / "layers.py")
    assert source_hash(entry) != before


def test_a_helper_that_does_not_parse_is_hashed_as_it_is(project):
    (entry,) = scan(project / "plugins" / "m.py")
    hashes = set()
    for text in ("def (", "def ((", "\0"):
        (project / "plugins" / "helper.py").write_text(text)
        hashes.add(source_hash(entry))
    assert len(hashes) == 3


def test_editing_a_module_of_the_same_package_changes_the_hash(tmp_path, monkeypatch):
    package = tmp_path / "mypackage"
    (package / "sub").mkdir(parents=True)
    for name, text in (("__init__", ""), ("layers", ""), ("unused", ""), ("sub/__init__", "from ..layers import x\n")):
        (package / f"{name}.py").write_text(text)
    (package / "models.py").write_text(f"import json\nfrom . import sub\n{CLASS}")
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])
    (entry,) = scan(package / "models.py", "mypackage.models")
    before = source_hash(entry)
    edited(package / "unused.py")
    assert source_hash(entry) == before
    edited(package / "layers.py")
    assert source_hash(entry) != before
    assert "mypackage" not in sys.modules
