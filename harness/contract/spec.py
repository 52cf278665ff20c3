"""Specifications of task inputs and model outputs.

A model is a `torch.nn.Module` that receives the task's input arrays as keyword arguments and
returns one tensor. B is the number of rows per batch:

========================  ====================================================================
inputs                    keyword arguments
========================  ====================================================================
``Tokens``                ``tokens`` (B, length) int64, ``lengths`` (B,) int64; id 0 pads
``Pair``                  ``tokens`` (B, 2, length) int64, ``lengths`` (B, 2) int64
``Fields``                ``ids`` (B, fields, bag) int64, id 0 pads; ``dense`` (B, n_dense) float
``Series``                ``values`` (B, length, channels) float
``Image``                 ``pixels`` (B, channels, height, width) float
========================  ====================================================================

Tasks may store ``values`` and ``pixels`` as uint8; models receive them scaled to [-1, 1].

========================  ==================================  ================================
outputs                   the model returns                   targets
========================  ==================================  ================================
``Classes``               logits (B, n)                       (B,) int64
``Labels``                logits (B, count * n)               (B, count) int64
``PerPosition``           logits (B, length, n)               (B, length) int64, or ``ignore``
``NextToken``             logits (B, length, vocab_size)      (B, length) int64, or -100
``Binary``                logits (B, 1)                       (B,) float, 0 or 1
``Regression``            values (B, n)                       (B, n) float
========================  ==================================  ================================
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any, get_args


@dataclass(frozen=True)
class Tokens:
    """A sequence of token ids below `vocab_size`, padded at the end with id 0."""

    vocab_size: int
    length: int


@dataclass(frozen=True)
class Pair:
    """Two token sequences, encoded with shared weights and combined in one head."""

    of: Tokens


@dataclass(frozen=True)
class Fields:
    """Categorical fields, each a bag of up to `bag` ids, and `n_dense` numbers, `group` of them per numeric field.

    ``cardinalities[f]`` is the number of ids of field f, including padding (id 0).
    """

    cardinalities: tuple[int, ...]
    n_dense: int = 0
    bag: int = 1
    group: int = 1

    @property
    def n_numeric(self) -> int:
        """Return the number of numeric fields; numeric field f has the numbers from ``f * group`` on."""
        return self.n_dense // self.group


@dataclass(frozen=True)
class Series:
    """A sequence of `length` real vectors with `channels` entries each."""

    channels: int
    length: int


@dataclass(frozen=True)
class Image:
    """A real-valued image."""

    channels: int
    height: int
    width: int


@dataclass(frozen=True)
class Classes:
    """One of `n` classes per row."""

    n: int


@dataclass(frozen=True)
class Labels:
    """`count` answers per row, each one of `n` classes, decoded from a single vector of the row."""

    count: int
    n: int


@dataclass(frozen=True)
class PerPosition:
    """One of `n` classes at each position whose target is not `ignore`."""

    n: int
    ignore: int = -100


@dataclass(frozen=True)
class NextToken:
    """The next token at each position whose target is not -100."""

    vocab_size: int


@dataclass(frozen=True)
class Binary:
    """The probability, as a logit, that the label is 1."""


@dataclass(frozen=True)
class Regression:
    """`n` real values per row."""

    n: int


Inputs = Tokens | Pair | Fields | Series | Image

Outputs = Classes | Labels | PerPosition | NextToken | Binary | Regression


@dataclass(frozen=True)
class TaskSpec:
    """Inputs, outputs, and causality: if `causal`, position t may only depend on positions up to t."""

    inputs: Inputs
    outputs: Outputs
    causal: bool = False

    @property
    def n_outputs(self) -> int:
        """Return the size of the last axis of the model's output."""
        match self.outputs:
            case Classes(n) | PerPosition(n) | Regression(n):
                return n
            case Labels(count, n):
                return count * n
            case NextToken(vocab_size):
                return vocab_size
            case Binary():
                return 1

    @property
    def per_position(self) -> bool:
        """Return whether the model has one output per position instead of one per row."""
        return isinstance(self.outputs, PerPosition | NextToken)


@dataclass(frozen=True)
class Size:
    """Size of a model: width (channels per position, or hidden units) and depth (blocks)."""

    width: int
    depth: int


_KINDS = {kind.__name__: kind for kind in (*get_args(Inputs), *get_args(Outputs))}


def spec_to_json(spec: TaskSpec) -> dict[str, Any]:
    """Return a spec as a JSON-compatible dictionary."""
    return {"inputs": _to_json(spec.inputs), "outputs": _to_json(spec.outputs), "causal": spec.causal}


def spec_from_json(value: dict[str, Any]) -> TaskSpec:
    """Return the spec for a dictionary from `spec_to_json`."""
    return TaskSpec(_from_json(value["inputs"]), _from_json(value["outputs"]), value["causal"])


def _to_json(part: Inputs | Outputs) -> dict[str, Any]:
    values = {f.name: getattr(part, f.name) for f in fields(part)}
    nested = {name: _to_json(value) if isinstance(value, Tokens) else value for name, value in values.items()}
    return {"kind": type(part).__name__, **nested}


def _from_json(value: dict[str, Any]) -> Any:
    arguments = {name: inner for name, inner in value.items() if name != "kind"}
    for name, inner in arguments.items():
        if isinstance(inner, dict):
            arguments[name] = _from_json(inner)
        elif isinstance(inner, list):
            arguments[name] = tuple(inner)
    return _KINDS[value["kind"]](**arguments)
