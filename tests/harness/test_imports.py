"""Which package may import which, what starts without torch, and that no second registry is loaded."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
MAY_IMPORT = {
    "kernels": {"kernels"},
    "models": {"models", "kernels", "harness"},
    "tasks": {"tasks", "harness"},
    "harness": {"harness"},
    "leaderboard": {"leaderboard", "harness"},
}
EXCEPTIONS = {
    ("harness/commands/compare.py", "leaderboard"),
    ("harness/commands/board.py", "leaderboard"),  # a command imports what it runs, inside its function
    ("harness/commands/doctor.py", "kernels"),  # it reports the compiler that kernels use
    ("harness/training/trial.py", "kernels"),  # a record says which kernel paths ran
    ("harness/bench/filters.py", "models"),  # it times the model's own filter
}
MAY_IMPORT_MORE = {"harness/bench": {"kernels"}}  # it times them; only the command `bench` loads it


LAYERS = ("contract", "records", "planning", "data", "assembly", "training", "running")
"""Packages of the harness, lowest first; each imports only from those before it."""


def rooms_imported(path: Path) -> set[str]:
    found = set()
    package = ["archarena", *path.relative_to(ROOT).parts[:-1]]
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else []
            names = [[*base, *(node.module or "").split("."), alias.name] for alias in node.names]
        elif isinstance(node, ast.Import):
            names = [alias.name.split(".") for alias in node.names]
        else:
            continue
        found |= {name[1] for name in ([part for part in name if part] for name in names) if name[0] == "archarena"}
    return found


@pytest.mark.parametrize("room", MAY_IMPORT)
def test_imports_point_one_way(room):
    wrong = {
        (str(path.relative_to(ROOT)), imported)
        for path in (ROOT / room).rglob("*.py")
        for imported in rooms_imported(path) - MAY_IMPORT[room]
        if not any(folder in path.as_posix() and imported in more for folder, more in MAY_IMPORT_MORE.items())
    }
    assert wrong - EXCEPTIONS == set()


def packages_imported(path: Path) -> set[str]:
    """Return the packages of the harness that a file in one of them imports."""
    package = path.relative_to(ROOT).parts[:-1]
    relative = [node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.ImportFrom)]
    targets = [(*package[: len(package) - node.level + 1], *(node.module or "").split(".")) for node in relative]
    return {target[1] for target in targets if target[0] == "harness" and len(target) > 1}


@pytest.mark.parametrize(("layer", "name"), list(enumerate(LAYERS)))
def test_a_package_of_the_harness_imports_only_lower_ones(layer, name):
    allowed = {*LAYERS[: layer + 1], "errors", "files", ""}
    wrong = {
        (path.relative_to(ROOT).as_posix(), imported)
        for path in (ROOT / "harness" / name).rglob("*.py")
        for imported in packages_imported(path) - allowed
    }
    assert wrong == set()


WITHOUT_TORCH = ("contract", "records", "planning", "data", "running")


def test_only_the_bases_of_models_import_torch_below_assembly_and_in_running():
    modules = [
        f"archarena.harness.{name}.{path.stem}"
        for name in WITHOUT_TORCH
        for path in (ROOT / "harness" / name).glob("*.py")
        if path.stem != "__init__" and (name, path.stem) != ("contract", "model")
    ]
    code = f"import importlib, sys\nfor name in {modules!r}:\n    importlib.import_module(name)\n"
    code += "    assert 'torch' not in sys.modules, name"
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.parametrize("arguments", [["--help"], ["list"], ["run", "--help"], ["board", "--help"]])
def test_help_and_list_import_no_torch(arguments):
    code = (
        "import sys; from archarena.harness.commands import main\n"
        f"try: main({arguments!r})\n"
        "except SystemExit as end: assert not end.code, end\n"
        "heavy = {'torch', 'numpy', 'pandas', 'scipy', 'sklearn'} & sys.modules.keys(); assert not heavy, heavy"
    )
    subprocess.run([sys.executable, "-c", code], check=True, stdout=subprocess.DEVNULL)


def test_no_top_level_harness_is_loaded():
    import archarena.harness  # noqa: F401

    assert not {"harness", "models", "tasks", "kernels", "leaderboard"} & sys.modules.keys()


def test_a_users_folder_with_the_same_names_is_not_picked_up(tmp_path):
    for name in ("harness", "models", "tasks", "tests", "kernels", "leaderboard"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "__init__.py").write_text("raise RuntimeError('the user\\'s own package was imported')")
    code = "from archarena.harness import get_task; from archarena.harness import run; run.__doc__; get_task('digits')"
    subprocess.run([sys.executable, "-c", code], check=True, cwd=tmp_path)
