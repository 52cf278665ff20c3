"""A task's arrays on disk: prepared once, memory-mapped by every trial.

The layout of a prepared folder::

    meta.json                 spec, row counts, content checksum, reference scores
    train/ valid/             inputs/NAME.npy and targets.npy
    tests/NAME/               inputs/NAME.npy, and the parts of the targets that a trial may see
    answers/NAME/             targets.npy and groups/NAME.npy, read only by the parent process
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
    """Return the spec and splits with target -100 at unscored positions, as metrics expect."""
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
    """Write the parts of test targets a trial may see: next tokens (also in its inputs) or scored positions."""
    if isinstance(spec.outputs, NextToken):
        np.save(folder / "targets.npy", split.targets)
    elif isinstance(spec.outputs, PerPosition):
        np.save(folder / "scored.npy", split.targets != spec.outputs.ignore)


def save_split(folder: Path, split: Split) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    _save_arrays(folder / "inputs", split.inputs)
    _save_arrays(folder / "groups", split.groups)
    _save_array(folder / "targets.npy", split.targets)


def _save_arrays(folder: Path, arrays: Mapping[str, np.ndarray]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name, array in arrays.items():
        _save_array(folder / f"{name}.npy", array)


def _save_array(path: Path, array: np.ndarray) -> None:
    """Write an array; if it maps a whole .npy file, link that file, or copy it if linking fails."""
    source = _mapped_file(array)
    if source is None:
        np.save(path, array, allow_pickle=False)
        return
    try:
        path.hardlink_to(source)
    except OSError:
        shutil.copyfile(source, path)


def _mapped_file(array: np.ndarray) -> Path | None:
    """Return the .npy file that an array maps completely, or None."""
    if not isinstance(array, np.memmap) or not str(array.filename).endswith(".npy"):
        return None
    path = Path(str(array.filename))
    whole = load_array(path)
    same = (array.dtype, array.shape, array.strides) == (whole.dtype, whole.shape, whole.strides)
    return path if same else None


def load_split(folder: Path) -> Split:
    """Return a split, memory-mapped."""
    return Split(load_arrays(folder / "inputs"), load_array(folder / "targets.npy"), load_arrays(folder / "groups"))


def load_arrays(folder: Path) -> dict[str, np.ndarray]:
    """Return the arrays of a folder by name, memory-mapped."""
    return {path.stem: load_array(path) for path in sorted(folder.glob("*.npy"))}


def load_array(path: Path) -> np.ndarray:
    """Return one array, memory-mapped; pickles are rejected."""
    return np.load(path, mmap_mode="r", allow_pickle=False)


def content_checksum(splits: Splits) -> str:
    """Return the SHA-256 of the name, dtype, shape and bytes of all arrays of a task."""
    digest = hashlib.sha256()
    tests = [(f"tests/{name}", split) for name, split in sorted(splits.tests.items())]
    for place, split in [("train", splits.train), ("valid", splits.valid), *tests]:
        for name, array in sorted({**split.inputs, "targets": split.targets}.items()):
            digest.update(f"{place}/{name}:{array.dtype.str}:{array.shape}\0".encode())
            for block in _blocks(array):
                digest.update(np.ascontiguousarray(block).reshape(-1).view(np.uint8).data)
    return digest.hexdigest()


def _blocks(array: np.ndarray) -> Iterator[np.ndarray]:
    """Yield an array's entries in blocks; mapped files are read directly to keep their pages out of memory."""
    source = _mapped_file(array)
    if source is None or not isinstance(array, np.memmap):
        rows = max(1, BLOCK_BYTES * len(array) // max(1, array.nbytes))
        yield from (array[start : start + rows] for start in range(0, len(array), rows))
        return
    with source.open("rb") as file:
        file.seek(array.offset)
        while len(block := np.fromfile(file, np.uint8, BLOCK_BYTES)):
            yield block
