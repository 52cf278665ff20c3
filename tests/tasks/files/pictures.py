"""CIFAR-10 in its binary version and MNIST in IDX files: noise with one bright row of pixels that gives the class."""

from __future__ import annotations

import gzip
import hashlib
import io
import struct
import tarfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from archarena.tasks.cifar import ARCHIVE, BATCHES
from archarena.tasks.mnist import FILES


def striped(rows: int, shape: tuple[int, ...], *, first: int, step: int) -> tuple[np.ndarray, np.ndarray]:
    """Return images (rows, *shape) uint8 and classes; row ``first + step * class`` of an image is bright."""
    images = np.random.default_rng(rows).integers(0, 100, (rows, *shape), dtype=np.uint8)
    labels = np.arange(rows) % 10
    images[np.arange(rows), ..., first + step * labels, :] = 255
    return images, labels


def photographs(rows: int) -> tuple[np.ndarray, np.ndarray]:
    """Return images (rows, 3, 32, 32) and classes."""
    return striped(rows, (3, 32, 32), first=1, step=3)


def digits(rows: int) -> tuple[np.ndarray, np.ndarray]:
    """Return images (rows, 28, 28) and classes."""
    return striped(rows, (28, 28), first=3, step=2)


def cifar10(folder: Path, rows: Mapping[str, int], *, packed: bool = False) -> dict[str, Any]:
    """Write photographs: five training batches and one test batch, as files or in an archive."""
    home = folder / "cifar10"
    home.mkdir(parents=True)
    files = batches(rows)
    if packed:
        with tarfile.open(home / ARCHIVE, "w:gz", compresslevel=1) as archive:
            for name, content in files.items():
                member = tarfile.TarInfo(f"cifar-10-batches-bin/{name}")
                member.size = len(content)
                archive.addfile(member, io.BytesIO(content))
    else:
        for name, content in files.items():
            (home / name).write_bytes(content)
    return {"counts": dict(rows)}


def batches(rows: Mapping[str, int]) -> dict[str, bytes]:
    """Return the content of each file of CIFAR-10."""
    found = {}
    for part, names in BATCHES.items():
        images, labels = photographs(rows[part])
        for name, chosen in zip(names, np.array_split(np.arange(len(labels)), len(names)), strict=True):
            found[name] = binary(images[chosen], labels[chosen])
    return found


def binary(images: np.ndarray, labels: np.ndarray) -> bytes:
    """Return records of CIFAR-10's binary version."""
    return np.concatenate([labels.astype(np.uint8)[:, None], images.reshape(len(images), -1)], axis=1).tobytes()


def mnist(folder: Path, rows: Mapping[str, int], *, packed: bool = True) -> dict[str, Any]:
    """Write digits, with or without gzip."""
    (folder / "mnist").mkdir(parents=True)
    checksums = {}
    for part, count in rows.items():
        for kind, array in zip(("images", "labels"), digits(count), strict=True):
            content, name = idx(array), FILES[f"{part} {kind}"]
            checksums[f"{part} {kind}"] = hashlib.sha256(content).hexdigest()
            path, packing = (f"{name}.gz", gzip.compress(content, 1)) if packed else (name, content)
            (folder / "mnist" / path).write_bytes(packing)
    return {"checksums": checksums}


def idx(array: np.ndarray) -> bytes:
    """Return an array in the IDX format."""
    head = struct.pack(">BBBB", 0, 0, 0x08, array.ndim) + struct.pack(f">{array.ndim}I", *array.shape)
    return head + array.astype(np.uint8).tobytes()
