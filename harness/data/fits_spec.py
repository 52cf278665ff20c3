"""Whether the arrays of a split match a task's spec."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..contract.evaluation import Evaluation
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
from ..contract.task import Split, Splits
from ..errors import UserError


def require(holds: bool, message: str) -> None:
    """Raise `UserError` unless the condition is true."""
    if not holds:
        raise UserError(f"{message}.")


def check_splits(splits: Splits, spec: TaskSpec, evaluations: Sequence[Evaluation]) -> None:
    """Raise `UserError` if an array of a split does not match the spec in name, shape, dtype or range."""
    read_by = {how: {e.test for e in evaluations if e.readout == how} for how in ("generate", "likelihood")}
    check_split("train", splits.train, spec)
    check_split("valid", splits.valid, spec)
    for name, split in splits.tests.items():
        has_targets = name not in read_by["generate"]
        check_split(f"test '{name}'", split, spec, has_targets=has_targets, ranked=name in read_by["likelihood"])


def check_split(place: str, split: Split, spec: TaskSpec, *, has_targets: bool = True, ranked: bool = False) -> None:
    """Raise `UserError` if an array of one split does not match the spec; `place` names it in messages."""
    check_inputs(place, split, spec)
    if has_targets:
        check_targets(place, split, spec, ranked=ranked)
    for group, labels in split.groups.items():
        require(len(labels) == len(split.targets), f"{place}: group '{group}' has {len(labels)} labels")


def check_inputs(place: str, split: Split, spec: TaskSpec) -> None:
    """Raise `UserError` if an input array's name, shape, dtype or range does not match the spec."""
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
            for field, count in enumerate(cardinalities):
                _check_ids(place, f"field {field} of ids", arrays["ids"][:, field], count)
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


def _check_ids(place: str, name: str, ids: np.ndarray, end: int) -> None:
    require(ids.dtype.kind in "iu", f"{place}: {name} has dtype {ids.dtype}, expected integers")
    outside = ids[(ids < 0) | (ids >= end)]
    found = outside.flat[0] if outside.size else 0
    require(not outside.size, f"{place}: {name} contains {found}, but the spec allows ids from 0 to {end - 1}")


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
    """Raise `UserError` if the targets' shape or range does not match the spec's outputs.

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
