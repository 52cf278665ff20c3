"""A cell's key changes with everything that can change its result, and with nothing else."""

from dataclasses import replace

import pytest
from archarena.harness.contract.registry import discover
from archarena.harness.contract.scan import Entry, scan
from archarena.harness.planning.key import changed_parts, key_of, key_parts
from archarena.harness.planning.plan import make_plan
from archarena.harness.planning.source_hash import source_hash

CONTEXT = {"device": "cpu: test", "torch_version": "2.13"}


@pytest.fixture
def cell(toy_task, make_model, tmp_path):
    plan = make_plan(discover([toy_task, make_model()]), models=["good"], tasks=["toy"], tier="smoke", data=tmp_path)
    return plan.cells[0]


def test_a_key_is_a_pure_function_of_the_cell(cell):
    assert key_of(key_parts(cell, **CONTEXT)) == key_of(key_parts(replace(cell), **CONTEXT))


@pytest.mark.parametrize(
    ("part", "change"),
    [
        ("seed", lambda cell: (replace(cell, seed=1), CONTEXT)),
        ("device", lambda cell: (cell, {**CONTEXT, "device": "cpu: other"})),
        ("torch", lambda cell: (cell, {**CONTEXT, "torch_version": "2.14"})),
        (
            "hyperparameters",
            lambda cell: (replace(cell, variant=replace(cell.variant, hyperparameters=(("scale", 2.0),))), CONTEXT),
        ),
        ("recipe", lambda cell: (_with_rates(cell, (1e-3,)), CONTEXT)),
    ],
)
def test_what_changes_is_told(cell, part, change):
    other, context = change(cell)
    old, new = key_parts(cell, **CONTEXT), key_parts(other, **context)
    assert list(changed_parts(old, new)) == [part]
    assert key_of(old) != key_of(new)


def _with_rates(cell, rates):
    training = cell.training
    return replace(cell, training=replace(training, recipe=replace(training.recipe, learning_rates=rates)))


def test_limits_and_waiting_times_are_not_part_of_a_key(cell):
    patient = replace(cell, task=replace(cell.task, tier=replace(cell.task.tier, seconds=1e6, memory_gib=1.0)))
    assert key_parts(cell, **CONTEXT) == key_parts(patient, **CONTEXT)


def entry_of(path) -> Entry:
    return scan(path)[0]


def test_comments_docstrings_and_layout_do_not_change_a_source_hash(tmp_path):
    plain, dressed = tmp_path / "a" / "m.py", tmp_path / "b" / "m.py"
    for path, text in (
        (plain, '@register_model("m", summary="")\nclass M:\n    x = 1\n'),
        (
            dressed,
            '"""Doc."""\n# why\n@register_model(\n "m", summary="")\nclass M:\n "Doc."\n\n x = 1  # one\n',
        ),
    ):
        path.parent.mkdir()
        path.write_text(text)
    assert source_hash(entry_of(plain)) == source_hash(entry_of(dressed))
    dressed.write_text(dressed.read_text().replace("x = 1", "x = 2"))
    assert source_hash(entry_of(plain)) != source_hash(entry_of(dressed))


HARNESS_IMPORTS = (
    "from archarena.harness import register_model",
    "from archarena.harness.contract.registry import register_model",
    "import archarena.harness",
)


def test_imports_from_the_harness_do_not_change_a_source_hash(tmp_path):
    body = '@register_model("m", summary="")\nclass M:\n    pass\n'
    plugin, hashes = tmp_path / "m.py", []
    for line in (*HARNESS_IMPORTS, "from archarena.models import lr"):
        plugin.write_text(f"import torch\n{line}\n\n{body}")
        hashes.append(source_hash(entry_of(plugin)))
    plugin.write_text(f"import numpy\n{HARNESS_IMPORTS[0]}\n\n{body}")
    assert hashes[0] == hashes[1] == hashes[2]
    assert len({*hashes, source_hash(entry_of(plugin))}) == 3


def test_relative_imports_from_the_harness_do_not_change_a_source_hash(tmp_path):
    body = '@register_model("m", summary="")\nclass M:\n    pass\n'
    plugin, hashes = tmp_path / "m.py", []
    for line in ("from ..harness import register_model", "from ..harness.contract.registry import register_model"):
        plugin.write_text(f"{line}\n{body}")
        hashes.append(source_hash(scan(plugin, "archarena.models.m")[0]))
    plugin.write_text(f"from .lr import LR\n{body}")
    assert hashes[0] == hashes[1] != source_hash(scan(plugin, "archarena.models.m")[0])


def test_the_kernels_a_model_imports_are_part_of_its_source():
    from archarena.harness.contract.scan import module_file
    from archarena.harness.planning.imports import closure

    entry = discover().find("model", "mamba")
    names = {path.name for path in closure(entry.file, entry.module)}
    assert "mamba.py" in names
    assert module_file("archarena.kernels.selective_scan").parent.name == "selective_scan"
    assert any(name.endswith(".c") for name in names)
    assert "registry.py" not in names


@pytest.mark.parametrize("named", ["hyperparameters", "arguments"])
def test_the_content_of_a_file_that_a_setting_names_is_part_of_a_key(cell, named, tmp_path):
    file = tmp_path / "checkpoint.bin"
    if named == "hyperparameters":
        cell = replace(cell, variant=replace(cell.variant, hyperparameters=(("path", str(file)),)))
    else:
        cell.task.task.arguments = {"smoke": {"files": [str(file)]}}
    parts = []
    for content in (None, b"old", b"new", b"old"):
        if content:
            file.write_bytes(content)
        parts.append(key_parts(cell, **CONTEXT))
    absent, old, new, again = parts
    assert list(changed_parts(old, new)) == ["files" if named == "hyperparameters" else "data"]
    assert key_of(old) == key_of(again)
    assert len({key_of(absent), key_of(old), key_of(new)}) == 3


def test_a_default_that_names_a_file_next_to_a_plugin_is_part_of_its_key(cell, tmp_path):
    plugin, weights = tmp_path / "m.py", tmp_path / "start.safetensors"
    init = 'def __init__(self, width, *, start: str = "start.safetensors", mode="mean"):\n        pass'
    plugin.write_text(f'@register_model("m", summary="")\nclass M:\n    {init}\n')
    entry = scan(plugin)[0]
    keys = []
    for content in (b"old", b"new"):
        weights.write_bytes(content)
        keys.append(key_parts(replace(cell, variant=replace(cell.variant, entry=entry)), **CONTEXT))
    assert list(keys[0]["files"]) == ["start.safetensors"]
    assert list(changed_parts(*keys)) == ["files"]
