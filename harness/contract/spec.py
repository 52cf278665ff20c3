"""What a task feeds to a model and what it expects back.

A model is a `torch.nn.Module` that is called with the input arrays of its task as keyword
arguments and returns one tensor. With B rows in a batch:

========================  ====================================================================
inputs                    keyword arguments
========================  ====================================================================
``Tokens``                ``tokens`` (B, length) int64, ``lengths`` (B,) int64; id 0 pads
``Pair``                  ``tokens`` (B, 2, length) int64, ``lengths`` (B, 2) int64
``Fields``                ``ids`` (B, fields, bag) int64, id 0 pads; ``dense`` (B, n_dense) float
``Series``                ``values`` (B, length, channels) float
``Image``                 ``pixels`` (B, channels, height, width) float
========================  ====================================================================

Tasks may keep ``values`` and ``pixels`` as uint8; a model gets them as numbers from -1 to 1.

========================  ==================================  ================================
outputs                   the model returns                   targets
========================  ==================================  ================================
``Classes``               logits (B, n)                       (B,) int64
``PerPosition``           logits (B, length, n)               (B, length) int64, or ``ignore``
``NextToken``             logits (B, length, vocab_size)      (B, length) int64, or -100
``Binary``                logits (B, 1)                       (B,) float, 0 or 1
``Regression``            values (B, n)                       (B, n) float
========================  ==================================  ================================
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any


@dataclass(frozen=True)
class Tokens:
    """A sequence of token ids below `vocab_size`, padded at the end with id 0."""

    vocab_size: int
    length: int


@dataclass(frozen=True)
class Pair:
    """Two token sequences, encoded with shared weights and joined by one head."""

    of: Tokens


@dataclass(frozen=True)
class Fields:
    """A row of categorical fields, each a bag of up to `bag` ids, and `n_dense` numbers.

    ``cardinalities[f]`` counts the ids of field f, padding (id 0) included.
    """

    cardinalities: tuple[int, ...]
    n_dense: int = 0
    bag: int = 1


@dataclass(frozen=True)
class Series:
    """A sequence of `length` real vectors with `channels` entries."""

    channels: int
    length: int


@dataclass(frozen=True)
class Image:
    """A picture of real values."""

    channels: int
    height: int
    width: int


@dataclass(frozen=True)
class Classes:
    """One of `n` classes a row."""

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
    """`n` real values a row."""

    n: int


Inputs = Tokens | Pair | Fields | Series | Image

Outputs = Classes | PerPosition | NextToken | Binary | Regression


@dataclass(frozen=True)
class TaskSpec:
    """Inputs, outputs, and whether position t may only see positions up to t."""

    inputs: Inputs
    outputs: Outputs
    causal: bool = False

    @property
    def n_outputs(self) -> int:
        """Return the size of the last axis of what the model returns."""
        match self.outputs:
            case Classes(n) | PerPosition(n) | Regression(n):
                return n
            case NextToken(vocab_size):
                return vocab_size
            case Binary():
                return 1

    @property
    def per_position(self) -> bool:
        """Return whether the model answers at every position rather than once a row."""
        return isinstance(self.outputs, PerPosition | NextToken)


@dataclass(frozen=True)
class Size:
    """How large a model is built: channels a position (or hidden units), and blocks."""

    width: int
    depth: int


_KINDS = {
    kind.__name__: kind
    for kind in (Tokens, Pair, Fields, Series, Image, Classes, PerPosition, NextToken, Binary, Regression)
}


def spec_to_json(spec: TaskSpec) -> dict[str, Any]:
    """Return a spec as JSON values."""
    return {"inputs": _to_json(spec.inputs), "outputs": _to_json(spec.outputs), "causal": spec.causal}


def spec_from_json(value: dict[str, Any]) -> TaskSpec:
    """Return the spec that `spec_to_json` wrote."""
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
