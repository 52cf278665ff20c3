"""Measures the preparation of a click log: ``python tests/benchmarks/prepare_clicks.py --rows 46000000 --folder DIR``.

Writes generated rows as csv files in the format of Criteo_x1 (13 numbers, 26 fields with the same numbers of values),
makes arrays from them, computes the checksum, gathers training batches, and prints seconds, memory and disk space.
The folder needs about 0.7 GB per million rows. It is deleted at the end.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import resource
import sys
import tempfile
import time
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import torch
from archarena.harness.data.arrays import content_checksum, save_splits
from archarena.harness.data.prepare import streams
from archarena.harness.training.rows import Rows
from archarena.tasks.click_logs import CATEGORIES, COUNTS, CriteoX1
from pyarrow import csv

VALUES = (
    *(1462, 560, 413_424, 248_543, 307, 23, 12_192, 635, 5, 54_712, 5350, 409_749, 3182),
    *(29, 12_500, 365_811, 12, 4934, 2096, 6, 397_981, 20, 17, 88_608, 98, 64_073),
)
SHARES = {"train": 0.72, "valid": 0.18, "test": 0.1}
CHUNK, BATCH, BATCHES = 2**18, 4_096, 50


def write(path: Path, rows: int, draw: np.random.Generator) -> str:
    """Write a csv file of random rows and return its md5 sum. Value i of a field has a frequency of about 1 / i."""
    schema = pa.schema(
        [("label", pa.int8()), *((n, pa.float32()) for n in COUNTS), *((n, pa.int32()) for n in CATEGORIES)]
    )
    starts = np.concatenate([[0], np.cumsum(VALUES)[:-1]])
    with csv.CSVWriter(path, schema, write_options=csv.WriteOptions(quoting_style="none")) as writer:
        for start in range(0, rows, CHUNK):
            n = min(CHUNK, rows - start)
            labels = [(draw.random(n) < 0.256).astype(np.int8)]
            numbers = [(draw.integers(0, 10_000, n) / 10_000).astype(np.float32) for _ in COUNTS]
            fields = [
                (first + np.exp(draw.random(n, np.float32) * np.log(count))).astype(np.int32)
                for first, count in zip(starts, VALUES, strict=True)
            ]
            writer.write_batch(pa.record_batch([pa.array(column) for column in (*labels, *numbers, *fields)], schema))
    with path.open("rb") as file:
        return hashlib.file_digest(file, "md5").hexdigest()


@contextmanager
def measured(what: str, rows: int, folder: Path):
    """Print the seconds of the block, the peak memory of the process so far, and the size of the folder."""
    start = time.perf_counter()
    yield
    seconds = time.perf_counter() - start
    unit = 1 if sys.platform == "darwin" else 1024
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 1e6
    disk = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()) / 1e6
    print(
        f"{what:24} {rows:>12,} rows {seconds:8.1f} s {peak:8,.0f} MB peak memory {disk:10,.0f} MB on disk", flush=True
    )


def run(rows: int, folder: Path) -> None:
    """Write, prepare, checksum and read `rows` rows in a folder."""
    home, cache, work = folder / "data" / "criteo-x1", folder / "cache", folder / "work"
    home.mkdir(parents=True)
    os.environ["ARCHARENA_CACHE"] = str(cache)
    draw = np.random.default_rng(0)
    with measured("write csv files", rows, home):
        sums = {part: write(home / f"{part}.csv", round(share * rows), draw) for part, share in SHARES.items()}
    dataset = replace(CriteoX1.dataset, checksums=sums)
    task = type("Generated", (CriteoX1,), {"dataset": dataset, "data_sources": (dataset,)})()
    with measured("prepare arrays", rows, cache):
        splits = task.splits(folder / "data", streams("ctr-criteo-x1", "full", 0))
    with measured("sum and link arrays", rows, work):
        content_checksum(splits)
        save_splits(work, task.spec, splits, task.evaluations)
    held = Rows(splits.train.inputs, splits.train.targets, torch.device("cpu"))
    where = "in memory" if held.resident else "from disk"
    with measured(f"batches {where}", BATCH * BATCHES, work):
        for _ in range(BATCHES):
            held.batch(torch.from_numpy(draw.integers(0, len(held), BATCH)))


def main() -> None:
    """Parse the options and measure in a temporary folder."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=46_000_000)
    parser.add_argument(
        "--folder", type=Path, default=None, help="where to write; default: the system's temporary folder"
    )
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=options.folder) as folder:
        run(options.rows, Path(folder))


if __name__ == "__main__":
    main()
