"""The form of a kernel's benchmark: its inputs at several sizes, and who competes."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

Sizes = Mapping[str, int]
Inputs = dict[str, Tensor]
Run = Callable[..., Tensor]


@dataclass(frozen=True)
class Contestant:
    """Another way to the same result.

    Attributes
    ----------
    run
        Takes the workload's inputs by name, as `prepare` left them.
    prepare
        Brings inputs into the layout that this contestant prefers; not timed.
    """

    run: Run
    prepare: Callable[[Inputs], Inputs] = dict


@dataclass(frozen=True)
class Peer:
    """A contestant of another package, made only where that is installed.

    Attributes
    ----------
    package
        Import name; `make` may import it.
    devices
        Where it runs.
    """

    package: str
    make: Callable[[], Contestant]
    devices: tuple[str, ...] = ("cpu", "cuda")

    def find(self, device: str) -> Contestant | str:
        """Return the contestant, or the reason why it does not compete."""
        if device not in self.devices:
            return f"{self.package} runs on {' and '.join(self.devices)} only."
        if importlib.util.find_spec(self.package) is None:
            return f"{self.package} is not installed."
        try:
            return self.make()
        except Exception as error:  # whatever another package raises as it loads
            return f"{self.package} is installed, but does not load: {error}"


@dataclass(frozen=True)
class Workload:
    """A kernel on inputs of one kind.

    Attributes
    ----------
    sizes
        By scale: "check" for the comparison with the reference, "cpu" and "cuda" for timing. Triton compiles anew for
        sizes that are multiples of 16, as those for timing are: where it costs little, "check" has such sizes too.
    make
        Returns random float32 inputs (and integer ones) of these sizes, on the CPU.
    cost
        Of these sizes: (flops, bytes), given whether the pass is backward, and the bytes of an entry.
    """

    kernel: str
    case: str
    sizes: Mapping[str, Sizes]
    make: Callable[[Sizes, torch.Generator], Inputs]
    ours: Run
    reference: Run
    plain: Mapping[str, Contestant]
    cost: Callable[[Sizes, bool, int], tuple[int, int]]
    peers: Mapping[str, Peer] = field(default_factory=dict)

    def inputs(self, scale: str, device: torch.device, dtype: torch.dtype, seed: int = 0) -> Inputs:
        """Return leaves that ask for gradients where they are floating."""
        drawn = self.make(self.sizes[scale], torch.Generator().manual_seed(seed))
        return {name: _leaf(x, device, dtype) for name, x in drawn.items()}


def _leaf(x: Tensor, device: torch.device, dtype: torch.dtype) -> Tensor:
    return x.to(device, dtype).requires_grad_() if x.is_floating_point() else x.to(device)


def differentiable(inputs: Mapping[str, Any]) -> list[Tensor]:
    """Return the tensors among the inputs that ask for gradients."""
    return [x for x in inputs.values() if isinstance(x, Tensor) and x.requires_grad]
