"""The outline of a module: its layers with their parameters, output shapes and products, from one forward pass."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves
from torch.utils.weak import WeakTensorKeyDictionary

from ..records.record import LayerInfo
from .module import Built

DEEPEST = 5
"""Levels of layers below the module."""
MOST_LAYERS = 60

_MATRICES = {"mm", "addmm", "convolution", "linear", "bmm", "baddbmm", "mv"}


def outline(model: Built, inputs: Mapping[str, Tensor]) -> list[LayerInfo]:
    """Return the layers of a module in the order of its definition, or nothing if a forward pass fails.

    Equal neighbors in a list of modules are given once, with their number.
    """
    recorder = _Recorder(model, inputs.values())
    try:
        with torch.no_grad(), recorder:
            model.eval()(**inputs)
    except Exception:  # a plugin's module may not bear being watched, and its cell is fine without an outline
        return []
    finally:
        recorder.remove()
    return list(_layers("", model, 0, 1, recorder))[1 : MOST_LAYERS + 1]


def _layers(name: str, module: nn.Module, depth: int, repeat: int, recorder: _Recorder) -> list[LayerInfo]:
    count = sum(parameter.numel() for parameter in module.parameters())
    own = LayerInfo(
        depth=max(0, depth - 1),
        name=name,
        kind=type(module).__name__,
        repeat=repeat,
        parameters=count,
        shape=recorder.shapes.get(module, []),
        products=dict(recorder.products.get(module, {})),
    )
    found = [own]
    if depth < DEEPEST:
        for child, inner, times in _children(module):
            if any(True for _ in inner.parameters()) or recorder.products.get(inner):
                found += _layers(child, inner, depth + 1, times, recorder)
    return found


def _children(module: nn.Module) -> list[tuple[str, nn.Module, int]]:
    """Return the children with their numbers of equal neighbors. Containers are replaced with their contents."""
    found: list[tuple[str, nn.Module, int]] = []
    for name, child in module.named_children():
        inner = list(child.named_children()) if isinstance(child, nn.ModuleList | nn.Sequential) else [("", child)]
        for key, one in inner:
            label = f"{name}.{key}" if key else name
            if key and found and _equal(found[-1][1], one):
                found[-1] = found[-1][0], found[-1][1], found[-1][2] + 1
            else:
                found.append((label, one, 1))
    return found


def _equal(one: nn.Module, other: nn.Module) -> bool:
    shapes = [[parameter.shape for parameter in module.parameters()] for module in (one, other)]
    return type(one) is type(other) and shapes[0] == shapes[1] != []


class _Recorder(TorchDispatchMode):
    """Attributes products to the innermost module that computes them, and notes the shapes of outputs.

    A tensor that depends on the inputs is an activation; others, such as parameters and positions, are weights.
    """

    def __init__(self, model: nn.Module, inputs: Iterable[Tensor]):
        super().__init__()
        self._activations = WeakTensorKeyDictionary(dict.fromkeys(inputs, True))
        self.shapes: dict[nn.Module, list[int]] = {}
        self.products: dict[nn.Module, Counter[str]] = {}
        self._open: list[nn.Module] = []
        self._handles = [
            handle
            for module in model.modules()
            for handle in (module.register_forward_pre_hook(self._enter), module.register_forward_hook(self._leave))
        ]

    def remove(self) -> None:
        for handle in self._handles:
            handle.remove()

    def _enter(self, module: nn.Module, _: Any) -> None:
        self._open.append(module)

    def _leave(self, module: nn.Module, _: Any, output: Any) -> None:
        self._open.pop()
        if isinstance(output, Tensor):
            self.shapes[module] = list(output.shape[1:])

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        output = func(*args, **(kwargs or {}))
        leaves = tree_leaves((args, kwargs))
        tensors = [leaf for leaf in leaves if isinstance(leaf, Tensor)]
        activations = [tensor for tensor in tensors if tensor in self._activations]
        if activations:
            self._activations.update((leaf, True) for leaf in tree_leaves(output) if isinstance(leaf, Tensor))
            kind = _kind(func, tensors, activations)
            if kind and self._open:
                self.products.setdefault(self._open[-1], Counter())[kind] += 1
        return output


def _kind(func: Any, tensors: Sequence[Tensor], activations: Sequence[Tensor]) -> str:
    """Return what an operation multiplies; empty if it multiplies no two tensors."""
    namespace, _, name = func.name().partition("::")
    name = name.partition(".")[0]
    if namespace not in ("aten", "prims"):
        return name.replace("_", " ")
    if "attention" in name:
        return "attention"
    if name == "glu":
        return "gate"
    if name in _MATRICES:
        return "activations × activations" if len(activations) > 1 else "weights × activations"
    if name == "mul" and len(activations) == 2:
        one, other = tensors
        return "gate" if one is not other and one.numel() == other.numel() else ""
    return ""
