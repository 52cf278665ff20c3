"""Checks that the arrays of a split match a task's spec."""

from __future__ import annotations

from hashlib import blake2b

import numpy as np

from ..contract.spec import (
    Binary,
    Classes,
    Fields,
    Image,
    Labels,
    NextToken,
    Pair,
    PerPosition,
    Regression,
    Series,
    TaskSpec,
    Tokens,
)
from ..contract.task import Split
from .findings import require


def check_inputs(place: str, split: Split, spec: TaskSpec) -> None:
    """Raise `BrokenError` if an input array's name, shape, dtype or range does not match the spec."""
    arrays = {name: np.asarray(array) for name, array in split.inputs.items() if name != "text"}
    for name, array in arrays.items():
        require(
            len(array) == len(split.targets) or "candidates" in split.inputs,
            f"{place}: {name} and targets have different numbers of rows",
        )
        require(array.dtype.kind in "iuf", f"{place}: {name} has dtype {array.dtype}")
        require(bool(np.isfinite(array).all()), f"{place}: {name} contains NaN or infinity")
    match spec.inputs:
        case Tokens(vocab_size, length):
            _check_tokens(place, arrays, vocab_size, (length,))
        case Pair(Tokens(vocab_size, length)):
            _check_tokens(place, arrays, vocab_size, (2, length))
        case Fields(cardinalities, n_dense, bag):
            _check_shape(place, arrays, "ids", (len(cardinalities), bag))
            _check_ids(place, "ids", arrays["ids"], np.array(cardinalities).reshape(-1, 1))
            if n_dense:
                _check_shape(place, arrays, "dense", (n_dense,))
        case Series(channels, length):
            _check_shape(place, arrays, "values", (length, channels))
        case Image(channels, height, width):
            _check_shape(place, arrays, "pixels", (channels, height, width))


def _check_shape(place: str, arrays: dict[str, np.ndarray], name: str, shape: tuple[int, ...]) -> None:
    require(name in arrays, f"{place}: input '{name}' is missing; found: {', '.join(arrays)}")
    found = arrays[name].shape[1:]
    require(found == shape, f"{place}: a row of {name} has shape {found}, expected {shape}")


def _check_ids(place: str, name: str, ids: np.ndarray, end: np.ndarray | int) -> None:
    require(ids.dtype.kind in "iu", f"{place}: {name} has dtype {ids.dtype}, expected integers")
    require(bool(((ids >= 0) & (ids < end)).all()), f"{place}: {name} contains ids outside the spec's range")


def _check_tokens(place: str, arrays: dict[str, np.ndarray], vocab_size: int, shape: tuple[int, ...]) -> None:
    require("tokens" in arrays, f"{place}: input 'tokens' is missing; found: {', '.join(arrays)}")
    tokens = arrays["tokens"]
    fits = tokens.ndim == 1 + len(shape) and tokens.shape[1:-1] == shape[:-1] and tokens.shape[-1] <= shape[-1]
    require(fits, f"{place}: a row of tokens has shape {tokens.shape[1:]}, expected at most {shape}")
    _check_ids(place, "tokens", tokens, vocab_size)
    if "lengths" not in arrays:
        return
    lengths = arrays["lengths"]
    require(lengths.shape == tokens.shape[:-1], f"{place}: lengths have shape {lengths.shape}")
    within = (lengths >= 1) & (lengths <= tokens.shape[-1])
    require(
        lengths.dtype.kind in "iu" and bool(within.all()),
        f"{place}: lengths are not integers from 1 to {tokens.shape[-1]}",
    )
    past = np.arange(tokens.shape[-1]) >= lengths[..., None]
    require(not tokens[past].any(), f"{place}: tokens past a row's length are not 0")


def check_targets(place: str, split: Split, spec: TaskSpec, *, ranked: bool) -> None:
    """Raise `BrokenError` if the targets' shape or range does not match the spec's outputs.

    Parameters
    ----------
    ranked
        Whether the rows are candidates ranked by likelihood. Then the candidates, not the targets,
        are checked as next tokens.
    """
    if ranked:
        require("candidates" in split.inputs, f"{place}: rows ranked by likelihood need an input 'candidates'")
    targets = np.asarray(split.inputs["candidates"] if ranked else split.targets)
    positions = split.inputs["tokens"].shape[:2] if "tokens" in split.inputs else None
    match spec.outputs:
        case Classes(n):
            _check_classes(place, targets, (len(split),), n, None)
        case Labels(count, n):
            _check_classes(place, targets, (len(split), count), n, None)
        case PerPosition(n, ignore):
            _check_classes(place, targets, positions or targets.shape[:2], n, ignore)
        case NextToken(vocab_size):
            _check_classes(place, targets, positions or targets.shape[:2], vocab_size, -100)
        case Binary():
            _check_classes(place, targets, (len(split),), 2, None)
        case Regression(n):
            require(targets.shape == (len(split), n), f"{place}: targets have shape {targets.shape}")
            require(bool(np.isfinite(targets).all()), f"{place}: targets contain NaN or infinity")


def _check_classes(place: str, targets: np.ndarray, shape: tuple[int, ...], n: int, ignore: int | None) -> None:
    require(targets.shape == shape, f"{place}: targets have shape {targets.shape}, expected {shape}")
    scored = targets if ignore is None else targets[targets != ignore]
    require(bool(scored.size), f"{place}: no target is scored")
    require(bool(((scored >= 0) & (scored < n)).all()), f"{place}: targets are not classes from 0 to {n - 1}")
    require(bool((scored == np.floor(scored)).all()), f"{place}: targets are not whole numbers")


def row_keys(split: Split) -> np.ndarray:
    """Return one 64-bit hash per row over its inputs, ignoring trailing zeros (padding)."""
    names = [name for name in ("tokens", "ids", "dense", "values", "pixels") if name in split.inputs]
    columns = [_row_bytes(np.asarray(split.inputs[name])) for name in names]
    hashes = [blake2b(b"|".join(parts), digest_size=8).digest() for parts in zip(*columns, strict=True)]
    return np.frombuffer(b"".join(hashes), np.uint64)


def _row_bytes(array: np.ndarray) -> list[bytes]:
    dtype = np.int64 if array.dtype.kind in "iu" else np.float64
    return [row.astype(dtype).tobytes().rstrip(b"\0") for row in array]
