"""A task's arrays on disk: prepared once, memory-mapped by every trial.

A prepared folder holds::

    meta.json                 spec, rows, content checksum, levels
    train/ valid/             inputs/NAME.npy and targets.npy
    tests/NAME/               inputs/NAME.npy, and what a trial may know of the targets
    answers/NAME/             targets.npy and groups/NAME.npy, read by the parent alone
"""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np

from ..contract.evaluation import Evaluation
from ..contract.metrics import IGNORE
from ..contract.spec import NextToken, PerPosition, TaskSpec
from ..contract.task import Split, Splits

BLOCK_BYTES = 2**24


def with_ignored(spec: TaskSpec, splits: Splits) -> tuple[TaskSpec, Splits]:
    """Return spec and splits whose positions that are not scored have the target -100, as metrics take it."""
    outputs = spec.outputs
    if not isinstance(outputs, PerPosition) or outputs.ignore == IGNORE:
        return spec, splits

    def marked(split: Split) -> Split:
        targets = np.where(split.targets == outputs.ignore, IGNORE, split.targets.astype(np.int64))
        return replace(split, targets=targets)

    tests = {name: marked(split) for name, split in splits.tests.items()}
    spec = replace(spec, outputs=PerPosition(outputs.n))
    return spec, Splits(marked(splits.train), marked(splits.valid), tests)


def save_splits(folder: Path, spec: TaskSpec, splits: Splits, evaluations: tuple[Evaluation, ...]) -> None:
    """Write all arrays of a task."""
    for name, split in (("train", splits.train), ("valid", splits.valid)):
        save_split(folder / name, split)
    unseen = {evaluation.test for evaluation in evaluations if evaluation.readout != "outputs"}
    for name, split in splits.tests.items():
        save_split(folder / "answers" / name, Split({}, split.targets, split.groups))
        _save_arrays(folder / "tests" / name / "inputs", split.inputs)
        if name not in unseen:
            _save_hints(folder / "tests" / name, spec, split)


def _save_hints(folder: Path, spec: TaskSpec, split: Split) -> None:
    """Write what a trial needs of test targets: next tokens are its inputs anyway; else where, not what."""
    if isinstance(spec.outputs, NextToken):
        np.save(folder / "targets.npy", split.targets)
    elif isinstance(spec.outputs, PerPosition):
        np.save(folder / "scored.npy", split.targets != spec.outputs.ignore)


def save_split(folder: Path, split: Split) -> None:
    """Write one split."""
    folder.mkdir(parents=True, exist_ok=True)
    _save_arrays(folder / "inputs", split.inputs)
    _save_arrays(folder / "groups", split.groups)
    _save_array(folder / "targets.npy", split.targets)


def _save_arrays(folder: Path, arrays: Mapping[str, np.ndarray]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name, array in arrays.items():
        _save_array(folder / f"{name}.npy", array)


def _save_array(path: Path, array: np.ndarray) -> None:
    """Write an array; one that is mapped from the whole of a file is that file, linked where the disk allows."""
    source = _mapped_file(array)
    if source is None:
        np.save(path, array, allow_pickle=False)
        return
    try:
        path.hardlink_to(source)
    except OSError:
        shutil.copyfile(source, path)


def _mapped_file(array: np.ndarray) -> Path | None:
    """Return the .npy file that an array maps from its first to its last entry, or None."""
    path = getattr(array, "filename", None)
    if path is None or not str(path).endswith(".npy"):
        return None
    whole = load_array(Path(path))
    same = (array.dtype, array.shape, array.strides) == (whole.dtype, whole.shape, whole.strides)
    return Path(path) if same else None


def load_split(folder: Path) -> Split:
    """Return a split, memory-mapped."""
    return Split(load_arrays(folder / "inputs"), load_array(folder / "targets.npy"), load_arrays(folder / "groups"))


def load_arrays(folder: Path) -> dict[str, np.ndarray]:
    """Return the arrays of a folder by name, memory-mapped."""
    return {path.stem: load_array(path) for path in sorted(folder.glob("*.npy"))}


def load_array(path: Path) -> np.ndarray:
    """Return one array, memory-mapped, without ever reading a pickle."""
    return np.load(path, mmap_mode="r", allow_pickle=False)


def content_checksum(splits: Splits) -> str:
    """Return a sha256 over every array of a task: name, dtype, shape and bytes."""
    digest = hashlib.sha256()
    tests = [(f"tests/{name}", split) for name, split in sorted(splits.tests.items())]
    for place, split in [("train", splits.train), ("valid", splits.valid), *tests]:
        for name, array in sorted({**split.inputs, "targets": split.targets}.items()):
            digest.update(f"{place}/{name}:{array.dtype.str}:{array.shape}\0".encode())
            for block in _blocks(array):
                digest.update(np.ascontiguousarray(block).reshape(-1).view(np.uint8).data)
    return digest.hexdigest()


def _blocks(array: np.ndarray) -> Iterator[np.ndarray]:
    """Yield an array's entries in order, block by block; mapped files are read, so that no page of them stays."""
    source = _mapped_file(array)
    if source is None:
        rows = max(1, BLOCK_BYTES * len(array) // max(1, array.nbytes))
        yield from (array[start : start + rows] for start in range(0, len(array), rows))
        return
    with source.open("rb") as file:
        file.seek(array.offset)  # type: ignore[attr-defined]
        while len(block := np.fromfile(file, np.uint8, BLOCK_BYTES)):
            yield block
