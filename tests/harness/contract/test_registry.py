"""Models and tasks are found without importing them; each problem gives one sentence."""

import subprocess
import sys
from importlib import metadata
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest
from archarena.harness.contract.registry import discover
from archarena.harness.contract.scan import module_file, scan
from archarena.harness.errors import UserError

MODEL = '@register_model("{name}", summary="A model.")\nclass Model: pass\n'


def write(path: Path, text: str) -> Path:
    path.write_text(text)
    return path


def test_a_listing_runs_no_plugin_code(tmp_path):
    plugin = write(tmp_path / "p.py", MODEL.format(name="mine") + "raise SystemExit('this file was run')\n")
    registry = discover([plugin])
    assert registry.find("model", "mine").declared == {"summary": "A model."}
    assert registry.problems == []


def test_the_built_in_models_and_tasks_are_found():
    registry = discover()
    assert {"mamba", "tcnca", "monet", "finalmlp", "transformer", "mlp"} <= registry.models.keys()
    assert {"recall-mqar", "lra-listops", "math", "ctr-synthetic", "digits"} <= registry.tasks.keys()
    assert registry.problems == []


def test_a_typo_names_the_closest_model_and_what_is_known():
    with pytest.raises(UserError, match=r"There is no model 'manba'\. Did you mean 'mamba'\? Known: .*transformer"):
        discover().find("model", "manba")


def test_an_unknown_suite_names_the_closest():
    with pytest.raises(UserError, match=r"no suite 'recal'\. Did you mean 'recall'"):
        discover().suite("recal")


def test_a_name_clash_makes_that_name_unusable_and_no_other(tmp_path):
    plugin = write(tmp_path / "p.py", MODEL.format(name="mamba"))
    registry = discover([plugin])
    assert len(registry.problems) == 1
    with pytest.raises(UserError, match=r"'mamba' is registered twice, in archarena\.models\.mamba and in .*p\.py"):
        registry.find("model", "mamba")
    assert registry.find("model", "mlp").name == "mlp"


@pytest.mark.parametrize(
    ("source", "says"),
    [
        ("class Model(:\n", "SyntaxError"),
        ("NAME = 'x'\n@register_model(NAME, summary='')\nclass Model: pass\n", "must be literals"),
        ("class Model: pass\n", "registers nothing"),
    ],
)
def test_a_plugin_that_was_named_and_is_broken_is_a_mistake_in_one_sentence(tmp_path, source, says):
    with pytest.raises(UserError, match=says) as mistake:
        discover([write(tmp_path / "broken.py", source)])
    assert "\n" not in str(mistake.value)


def test_a_missing_plugin_file_is_a_mistake_in_one_sentence(tmp_path):
    with pytest.raises(UserError, match=r"The plugin .*absent\.py does not exist"):
        discover([tmp_path / "absent.py"])


def test_a_broken_package_is_one_sentence_and_stops_nothing(tmp_path, monkeypatch):
    write(tmp_path / "half_a_package.py", "class Model(:\n")
    monkeypatch.syspath_prepend(tmp_path)
    broken = [
        EntryPoint(f"m{i}", f"{module}:M", "archarena.models") for i, module in enumerate(("half_a_package", "gone"))
    ]
    installed = metadata.entry_points
    monkeypatch.setattr(
        metadata, "entry_points", lambda group: [*installed(group=group), *broken[: group.endswith("models") * 2]]
    )
    registry = discover()
    assert "mamba" in registry.models
    unreadable, absent = registry.problems
    assert "entry point 'm0' of archarena.models cannot be read: SyntaxError" in unreadable
    assert "names module 'gone', which cannot be found" in absent


def test_one_entry_point_registers_all_modules_of_a_package(tmp_path, monkeypatch):
    package = tmp_path / "many_models"
    (package / "inner").mkdir(parents=True)
    write(package / "__init__.py", "raise SystemExit('this package was imported')\n")
    write(package / "a.py", MODEL.format(name="z-model"))
    write(package / "b.py", MODEL.format(name="a-model") + MODEL.replace("model", "task").format(name="a-task"))
    write(package / "broken.py", "class (:  # register_model\n")
    write(package / "helper.py", "class (:\n")
    write(package / "inner" / "c.py", MODEL.format(name="inner-model"))
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(
        metadata, "entry_points", lambda group: [EntryPoint("all", "many_models", group)][: group.endswith("models")]
    )
    registry = discover()
    assert list(registry.models) == ["a-model", "z-model"]
    assert registry.tasks["a-task"].module == "many_models.b"
    (problem,) = registry.problems
    assert "module 'many_models.broken' of entry point 'all' of archarena.models cannot be read: SyntaxErr" in problem


def test_an_import_error_names_the_model_and_the_reason(tmp_path):
    plugin = write(tmp_path / "p.py", "import no_such_package\n" + MODEL.format(name="mine"))
    with pytest.raises(
        UserError, match=r"model 'mine' cannot be imported from .*: ModuleNotFoundError: .*no_such_package"
    ):
        discover([plugin]).find("model", "mine").load()


def test_two_plugin_files_of_one_name_do_not_share_a_module(tmp_path):
    source = "from archarena.harness import register_model\nWHO = {who!r}\n" + MODEL.replace("pass", "who = WHO")
    classes = []
    for who in ("a", "b"):
        (tmp_path / who).mkdir()
        plugin = write(tmp_path / who / "model.py", source.format(who=who, name=who))
        classes.append(discover([plugin]).find("model", who).load())
    assert [cls.who for cls in classes] == ["a", "b"]


def test_a_module_is_located_without_importing_it():
    code = (
        "import sys; from archarena.harness.contract.scan import module_file;"
        "print(module_file('archarena.models.mamba')); assert 'archarena.models' not in sys.modules"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == str(module_file("archarena.models.mamba"))


def test_one_file_may_register_several(tmp_path):
    plugin = write(tmp_path / "p.py", MODEL.format(name="a") + MODEL.replace("Model", "Other").format(name="b"))
    assert [entry.name for entry in scan(plugin)] == ["a", "b"]
