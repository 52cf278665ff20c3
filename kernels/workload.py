"""The benchmark of a kernel: its inputs at several sizes, and other ways to compute the same result."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from importlib.util import find_spec
from typing import Any

import torch
from torch import Tensor

Sizes = Mapping[str, int]
Inputs = dict[str, Tensor]
Run = Callable[..., Tensor]


@dataclass(frozen=True)
class Contestant:
    """Another way to compute the same result.

    Attributes
    ----------
    run
        Takes the inputs of the workload by name, as `prepare` returned them.
    prepare
        Converts inputs to the layout that this contestant prefers; not timed.
    """

    run: Run
    prepare: Callable[[Inputs], Inputs] = dict


@dataclass(frozen=True)
class Peer:
    """A contestant from another package, made only if that is installed.

    Attributes
    ----------
    package
        Import name; `make` may import it.
    devices
        The devices on which it runs.
    """

    package: str
    make: Callable[[], Contestant]
    devices: tuple[str, ...] = ("cpu", "cuda")

    def find(self, device: str) -> Contestant | str:
        """Return the contestant, or the reason why it does not compete."""
        if device not in self.devices:
            return f"{self.package} runs on {' and '.join(self.devices)} only."
        if find_spec(self.package) is None:
            return f"{self.package} is not installed."
        try:
            return self.make()
        except Exception as error:  # another package may raise anything when it loads
            return f"{self.package} is installed, but does not load: {error}"


@dataclass(frozen=True)
class Workload:
    """A kernel with one kind of inputs.

    Attributes
    ----------
    sizes
        By scale: "check" for the comparison with the reference, "cpu" and "cuda" for timing. Triton compiles a separate
        binary for sizes that are multiples of 16, as the sizes for timing are; so are those of "check" if cheap enough.
    make
        Returns random float32 inputs (and integer inputs) of these sizes, on the CPU.
    cost
        Returns flops and bytes, given sizes, whether the pass is `backward`, and the `itemsize` in bytes.
    """

    kernel: str
    case: str
    sizes: Mapping[str, Sizes]
    make: Callable[[Sizes, torch.Generator], Inputs]
    ours: Run
    reference: Run
    plain: Mapping[str, Contestant]
    cost: Callable[..., tuple[int, int]]
    peers: Mapping[str, Peer] = field(default_factory=dict)

    def inputs(self, scale: str, device: torch.device, dtype: torch.dtype, seed: int = 0) -> Inputs:
        """Return inputs, of which the floating-point ones require gradients."""
        drawn = self.make(self.sizes[scale], torch.Generator().manual_seed(seed))
        return {
            name: x.to(device, dtype if x.is_floating_point() else x.dtype).requires_grad_(x.is_floating_point())
            for name, x in drawn.items()
        }


def differentiable(inputs: Mapping[str, Any]) -> list[Tensor]:
    """Return the tensors among the inputs that require gradients."""
    return [x for x in inputs.values() if isinstance(x, Tensor) and x.requires_grad]


def normal(random: torch.Generator, *shape: int) -> Tensor:
    return torch.randn(*shape, generator=random)


def time_last(inputs: Inputs) -> Inputs:
    """Lay out rows (batch, length, channels) as (batch, channels, length), as some peers require."""
    return {name: (x.mT if x.dim() == 3 else x).detach().contiguous().requires_grad_() for name, x in inputs.items()}


def from_package(module: str, name: str) -> Any:
    """Return a function of a package that is not a dependency, so no type checker can know it."""
    return getattr(importlib.import_module(module), name)
