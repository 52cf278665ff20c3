"""A cell's key: known before it runs, a pure function of what can change its result.

The parts are kept beside the hash, so that `archarena why` can say which of them moved.
"""

from __future__ import annotations

import ast
import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict
from functools import cache
from pathlib import Path
from typing import Any

from .plan import Cell, PlannedTask
from .recipe import PROTOCOL, Training
from .registry import Entry, module_file

_HARNESS = "archarena.harness"


def key_parts(cell: Cell, *, device: str, torch_version: str) -> dict[str, Any]:
    """Return what the key covers, as JSON values.

    Parameters
    ----------
    device
        Name of the processor the trial runs on.
    torch_version
        ``major.minor`` of torch.
    """
    tier, training = cell.task.tier, cell.training
    on_cpu = not device.startswith("cuda")
    return {
        "protocol": PROTOCOL,
        "model": cell.variant.entry.name,
        "model_source": source_hash(cell.variant.entry),
        "hyperparameters": cell.variant.model_hyperparameters | dict(training.hyperparameters if training else ()),
        "task": cell.task.name,
        "task_source": source_hash(cell.task.entry),
        "data": data_identity(cell.task),
        "budget": _budget(training),
        "tier": {"name": tier.name} | _size(cell),
        "recipe": json.loads(json.dumps(asdict(training.recipe))) if training else {"name": cell.recipe},
        "seed": cell.seed,
        "precision": "fp32" if on_cpu else tier.precision,
        "compile": tier.compile and not on_cpu,
        "threads": tier.threads,
        "device": device,
        "torch": torch_version,
    }


def _budget(training: Training | None) -> dict[str, int]:
    if training is None:
        return {}
    length = {"steps": training.steps} if training.epochs is None else {"epochs": training.epochs}
    return {**length, "batch": training.batch}  # type: ignore[dict-item]


def _size(cell: Cell) -> dict[str, int]:
    if cell.training is not None and cell.training.size is not None:
        return asdict(cell.training.size)
    return {"depth": cell.depth, "body_parameters": cell.task.tier.body_parameters}


def key_of(parts: Mapping[str, Any]) -> str:
    """Return the key: sha256 over canonical JSON."""
    text = json.dumps(parts, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()


def data_identity(task: PlannedTask) -> dict[str, Any]:
    """Return what pins a task's data: generator version and arguments, and checksums of sets."""
    sizes = json.loads(json.dumps(dict(task.task.sizes[task.tier.name])))
    sources = {source.name: source.identity() for source in task.task.sources}
    return {"version": task.task.version, "arguments": sizes, "sources": sources}


def changed_parts(old: Mapping[str, Any], new: Mapping[str, Any]) -> dict[str, tuple[Any, Any]]:
    """Return the parts in which two keys differ, with the old and the new value."""
    names = sorted(old.keys() | new.keys())
    return {name: (old.get(name), new.get(name)) for name in names if old.get(name) != new.get(name)}


def source_hash(entry: Entry) -> str:
    """Return a hash of the class's file and of what it imports beside the harness.

    Comments, docstrings and layout do not count. C sources beside an imported module do. The
    harness is covered by the protocol version.
    """
    digest = hashlib.sha256()
    for file in sorted(_closure(entry.file, entry.module), key=lambda path: (path.name, str(path))):
        digest.update(file.name.encode() + b"\0" + _meaning(file, file.stat().st_mtime_ns) + b"\0")
    return digest.hexdigest()


def _closure(file: Path, module: str | None) -> set[Path]:
    found: dict[Path, str | None] = {}
    waiting: list[tuple[Path, str | None]] = [(file, module)]
    while waiting:
        path, name = waiting.pop()
        if path in found:
            continue
        found[path] = name
        waiting += [(module_file(imported), imported) for imported in _imports(path, name, path.stat().st_mtime_ns)]
    native = {source for path, name in found.items() if name for source in path.parent.glob("*.c")}
    return set(found) | native


@cache
def _imports(file: Path, module: str | None, _changed_at: int) -> tuple[str, ...]:
    """Return the archarena modules outside the harness that a file imports."""
    names: list[str] = []
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom):
            base = _absolute(node, file, module)
            names += [base, *(f"{base}.{alias.name}" for alias in node.names)]
        elif isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
    return tuple(name for name in dict.fromkeys(names) if _is_ours(name))


def _absolute(node: ast.ImportFrom, file: Path, module: str | None) -> str:
    if not node.level:
        return node.module or ""
    package = (module or "").split(".")
    if file.name != "__init__.py":
        package = package[:-1]
    package = package[: len(package) - node.level + 1]
    return ".".join([*package, *([node.module] if node.module else [])])


def _is_ours(name: str) -> bool:
    if not name.startswith("archarena.") or name == _HARNESS or name.startswith(f"{_HARNESS}."):
        return False
    try:
        return module_file(name).suffix == ".py"
    except ModuleNotFoundError:
        return False


@cache
def _meaning(file: Path, _changed_at: int) -> bytes:
    source = file.read_text(encoding="utf-8")
    if file.suffix != ".py":
        return source.encode()
    tree = ast.parse(source)
    for node in ast.walk(tree):
        body = getattr(node, "body", None)
        if isinstance(body, list) and body and _is_docstring(body[0]):
            node.body = body[1:] or [ast.Pass()]  # type: ignore[attr-defined]
    return ast.unparse(tree).encode()


def _is_docstring(node: ast.AST) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)
