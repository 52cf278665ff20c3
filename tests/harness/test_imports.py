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
    ("harness/commands/run.py", "leaderboard"),
    ("harness/commands/doctor.py", "kernels"),  # it reports the compiler that kernels use
    ("harness/training/ensemble.py", "kernels"),  # each member draws from its own generator
    ("harness/training/trial.py", "kernels"),  # a record says which kernel paths ran
    ("harness/bench/filters.py", "models"),  # it times the model's own filter
}
MAY_IMPORT_MORE = {"harness/bench": {"kernels"}}  # it times them; only the command `bench` loads it


LAYERS = (
    "contract",
    "records",
    "judging",
    "planning",
    "data",
    "assembly",
    "training",
    "running",
    "api",
    "check",
    "bench",
    "commands",
)
"""Parts of the harness, lowest first; each imports only from those before it."""
BELOW_ALL = {"errors", "files", "processes", "text"}


def names_imported(path: Path) -> set[tuple[str, ...]]:
    """Return the full dotted names that a file imports from archarena, without the leading ``archarena``."""
    found = set()
    package = ["archarena", *path.relative_to(ROOT).parts[:-1]]
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else []
            found |= {(*base, *(node.module or "").split("."), alias.name) for alias in node.names}
        elif isinstance(node, ast.Import):
            found |= {tuple(alias.name.split(".")) for alias in node.names}
    names = {tuple(part for part in name if part) for name in found}
    return {name[1:] for name in names if name[0] == "archarena"}


def rooms_imported(path: Path) -> set[str]:
    return {name[0] for name in names_imported(path)}


def parts_imported(path: Path) -> set[str]:
    """Return the packages and modules of the harness that a file imports, also through the public names."""
    import archarena.harness

    names = {name[1] for name in names_imported(path) if name[0] == "harness" and len(name) > 1}
    return {archarena.harness._homes().get(name, name).lstrip(".").split(".")[0] for name in names}


@pytest.mark.parametrize("room", MAY_IMPORT)
def test_imports_point_one_way(room):
    wrong = {
        (str(path.relative_to(ROOT)), imported)
        for path in (ROOT / room).rglob("*.py")
        for imported in rooms_imported(path) - MAY_IMPORT[room]
        if not any(folder in path.as_posix() and imported in more for folder, more in MAY_IMPORT_MORE.items())
    }
    assert wrong - EXCEPTIONS == set()


@pytest.mark.parametrize(("layer", "name"), list(enumerate(LAYERS)))
def test_a_part_of_the_harness_imports_only_lower_ones(layer, name):
    home = ROOT / "harness" / name
    wrong = {
        (path.relative_to(ROOT).as_posix(), imported)
        for path in (home.rglob("*.py") if home.is_dir() else [home.with_suffix(".py")])
        for imported in parts_imported(path) - {*LAYERS[: layer + 1], *BELOW_ALL}
    }
    assert wrong == set()


@pytest.mark.parametrize(
    "line",
    [
        "from .. import running",
        "from ..running import runner",
        "from ..running.runner import Runner",
        "from archarena.harness.running.runner import Runner",
        "from archarena.harness import running",
        "import archarena.harness.running.runner",
    ],
)
def test_every_way_of_importing_is_seen(line, tmp_path, monkeypatch):
    (tmp_path / "harness" / "contract").mkdir(parents=True)
    path = tmp_path / "harness" / "contract" / "example.py"
    path.write_text(line)
    monkeypatch.setitem(globals(), "ROOT", tmp_path)
    assert parts_imported(path) == {"running"}


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


def test_built_in_models_and_tasks_load_no_folder_of_the_repository_by_its_bare_name():
    code = "import sys\nfrom archarena.harness.contract.registry import discover\nregistry = discover()\n"
    code += "for entry in [*registry.models.values(), *registry.tasks.values()]:\n    entry.load()\n"
    code += "print({'harness', 'models', 'tasks', 'kernels', 'leaderboard'} & sys.modules.keys())"
    assert subprocess.check_output([sys.executable, "-c", code], cwd=ROOT, text=True) == "set()\n"


def test_a_users_folder_with_the_same_names_is_not_picked_up(tmp_path):
    for name in ("harness", "models", "tasks", "tests", "kernels", "leaderboard"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "__init__.py").write_text("raise RuntimeError('the user\\'s own package was imported')")
    code = "from archarena.harness import get_task; from archarena.harness import run; run.__doc__; get_task('digits')"
    subprocess.run([sys.executable, "-c", code], check=True, cwd=tmp_path)
