"""A cache of generated rows that take long to make, stored as Arrow files.

The cache key covers the name, the generator's version, its arguments and the state of its random
streams; the rows are a pure function of these. Entries with a wrong checksum are generated again.
"""

from __future__ import annotations

import hashlib
import json
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, cast

import numpy as np

from ..harness.files import cache_folder, replacing

WORTH_SECONDS = 5.0
"""Rows generated in less time than this are not cached."""
BATCH_BYTES = 2**24
META = "meta.json"

Arrays = dict[str, np.ndarray]
Streams = tuple[np.random.Generator, ...]


def generated(
    name: str,
    version: int,
    arguments: Mapping[str, Any],
    streams: Streams,
    draw: Callable[..., Arrays],
    worth_seconds: float = WORTH_SECONDS,
) -> Arrays:
    """Return the arrays that `draw` makes, from the cache if they are there.

    Parameters
    ----------
    name, version, arguments
        Cache key; increase the version when the generator's rows change.
    streams
        Each spawns a stream for `draw`, so their state does not depend on the cache.
    draw
        Takes one generator per stream.
    worth_seconds
        Cache arrays that took longer than this.
    """
    own = [stream.spawn(1)[0] for stream in streams]
    folder = cache_folder("generated") / f"{name}-{_key(name, version, arguments, own)}"
    found = _read(folder)
    if found is not None:
        return found
    start = time.perf_counter()
    arrays = draw(*own)
    if time.perf_counter() - start > worth_seconds:
        _write(folder, arrays)
    return arrays


def _key(name: str, version: int, arguments: Mapping[str, Any], streams: list[np.random.Generator]) -> str:
    seeds = [cast("np.random.SeedSequence", stream.bit_generator.seed_seq) for stream in streams]
    states = [[str(seed.entropy), list(seed.spawn_key)] for seed in seeds]
    text = json.dumps([name, version, dict(arguments), states], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _read(folder: Path) -> Arrays | None:
    """Return the arrays stored in a folder, or None if there are none or they are damaged."""
    if not folder.is_dir():
        return None
    try:
        meta = json.loads((folder / META).read_text())
        arrays = {name: _load(folder / name, **described) for name, described in meta["arrays"].items()}
        if _checksum(arrays) == meta["checksum"]:
            return arrays
    except Exception:
        pass
    print(f"archarena: the cached rows in {folder} are damaged; generating them again.", file=sys.stderr)
    return None


def _load(folder: Path, dtype: str, shape: list[int]) -> np.ndarray:
    from datasets import Dataset

    rows = Dataset.load_from_disk(str(folder)).data.column("rows")
    array, place = np.empty(shape, dtype), 0
    flat = array.reshape(-1)
    for chunk in rows.chunks:
        values = chunk.flatten().to_numpy()
        flat[place : place + len(values)] = values
        place += len(values)
    if place != flat.size:
        raise ValueError("rows are missing")
    return array


def _write(folder: Path, arrays: Arrays) -> None:
    """Store arrays atomically; if the cache cannot be written, print a warning and go on."""
    described = {name: {"dtype": array.dtype.str, "shape": array.shape} for name, array in arrays.items()}
    try:
        with replacing(folder) as unfinished:
            for name, array in arrays.items():
                _save(unfinished / name, array)
            (unfinished / META).write_text(json.dumps({"arrays": described, "checksum": _checksum(arrays)}))
    except OSError as error:
        print(f"archarena: cannot cache generated rows in {folder.parent}: {error}.", file=sys.stderr)


def _save(folder: Path, array: np.ndarray) -> None:
    import pyarrow as pa
    from datasets import Dataset, disable_progress_bars
    from datasets.table import InMemoryTable

    disable_progress_bars()
    batches = [pa.record_batch([rows], names=["rows"]) for rows in _batches(array)]
    Dataset(InMemoryTable(pa.Table.from_batches(batches))).save_to_disk(str(folder))


def _batches(array: np.ndarray) -> Iterator[Any]:
    """Yield blocks of rows of an array as Arrow lists of equal length."""
    import pyarrow as pa

    width = int(np.prod(array.shape[1:]))
    count = max(1, BATCH_BYTES // (width * array.itemsize))
    for start in range(0, len(array), count):
        part = np.ascontiguousarray(array[start : start + count]).reshape(-1)
        yield pa.FixedSizeListArray.from_arrays(pa.array(part), width)


def _checksum(arrays: Arrays) -> str:
    digest = hashlib.sha256()
    for name, array in sorted(arrays.items()):
        digest.update(f"{name}:{array.dtype.str}:{array.shape}\0".encode())
        digest.update(np.ascontiguousarray(array).data)
    return digest.hexdigest()
