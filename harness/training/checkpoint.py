"""Save and load the checkpoint of an attempt: one file with its tensors, its state as JSON, and a checksum."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping
from pathlib import Path

import torch
from pydantic import BaseModel, ConfigDict, Field
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from ..assembly.module import Built
from ..files import replacing
from ..records.record import CurvePoint


class AttemptState(BaseModel):
    """The state of an attempt, except for its tensors.

    Attributes
    ----------
    seconds
        Time of the optimizer steps.
    best
        The best validation score, or None before the first validation pass.
    loss
        The last validation loss.
    probe_loss
        The last validation loss of the probe; the learning rates are compared by it.
    stalled
        Validation passes since the score last improved.
    scale
        Factor of the learning rate after plateau drops.
    decay_from
        The step at which the final decay of the learning rate began, or None.
    """

    model_config = ConfigDict(extra="forbid", ser_json_inf_nan="constants")

    step: int = 0
    samples: int = 0
    seconds: float = 0.0
    joules: float | None = None
    best: float | None = None
    loss: float = math.inf
    probe_loss: float = math.inf
    diverged: bool = False
    stalled: int = 0
    scale: float = 1.0
    decay_from: int | None = None
    curve: list[CurvePoint] = Field(default_factory=list)


def save_checkpoint(
    file: Path,
    state: AttemptState,
    model: Built,
    best_weights: Mapping[str, Tensor],
    optimizer: torch.optim.Optimizer,
    device: torch.device,
) -> None:
    """Write a checkpoint atomically, with the random state of the CPU and of `device`."""
    tensors = {f"model.{name}": tensor for name, tensor in model.state_dict().items()}
    tensors |= {f"best.{name}": tensor for name, tensor in best_weights.items()}
    for index, values in optimizer.state_dict()["state"].items():
        tensors |= {f"optimizer.{index}.{name}": torch.as_tensor(value) for name, value in values.items()}
    tensors |= random_state(device)
    tensors = {name: tensor.detach().cpu().contiguous().clone() for name, tensor in tensors.items()}
    progress = state.model_dump_json()
    with replacing(file) as unfinished:
        save_file(tensors, unfinished, metadata={"progress": progress, "sha256": _checksum(tensors, progress)})


def load_checkpoint(
    file: Path, model: Built, optimizer: torch.optim.Optimizer
) -> tuple[AttemptState, dict[str, Tensor]] | None:
    """Restore the model, the optimizer and the random state; return the attempt's state and best weights.

    Returns None, and restores nothing, if there is no checkpoint or its content does not match its checksum.
    """
    found = _read(file) if file.is_file() else None
    if found is None:
        return None
    state, tensors = found
    model.load_state_dict(_under(tensors, "model."))
    values: dict[int, dict[str, Tensor]] = {}
    for name, tensor in _under(tensors, "optimizer.").items():
        index, _, key = name.partition(".")
        values.setdefault(int(index), {})[key] = tensor
    groups = optimizer.state_dict()["param_groups"]
    optimizer.load_state_dict({"state": values, "param_groups": groups})
    set_random_state(tensors)
    return state, _under(tensors, "best.")


def _read(file: Path) -> tuple[AttemptState, dict[str, Tensor]] | None:
    try:
        with safe_open(file, framework="pt") as opened:
            tensors = {name: opened.get_tensor(name) for name in opened.keys()}  # noqa: SIM118 (not a mapping)
            progress, expected = opened.metadata()["progress"], opened.metadata()["sha256"]
        if _checksum(tensors, progress) == expected:
            return AttemptState.model_validate_json(progress), tensors
    except (SafetensorError, OSError, KeyError, TypeError, ValueError):
        pass
    print(f"{file.name} is damaged, so this attempt starts again.")
    return None


def _checksum(tensors: Mapping[str, Tensor], progress: str) -> str:
    """Return the SHA-256 of the attempt's state, and of the name, type, shape and bytes of each tensor."""
    digest = hashlib.sha256(progress.encode())
    for name, tensor in sorted(tensors.items()):
        digest.update(f"\0{name}:{tensor.dtype}:{tuple(tensor.shape)}\0".encode())
        digest.update(tensor.reshape(-1).view(torch.uint8).numpy().data)
    return digest.hexdigest()


def random_state(device: torch.device) -> dict[str, Tensor]:
    """Return the state of torch's global generators, of the CPU and of `device`."""
    state = {"random.cpu": torch.get_rng_state()}
    return state | ({"random.cuda": torch.cuda.get_rng_state(device)} if device.type == "cuda" else {})


def set_random_state(tensors: Mapping[str, Tensor]) -> None:
    """Restore what `random_state` returned."""
    torch.set_rng_state(tensors["random.cpu"])
    if "random.cuda" in tensors:
        torch.cuda.set_rng_state(tensors["random.cuda"])


def _under(tensors: Mapping[str, Tensor], prefix: str) -> dict[str, Tensor]:
    return {name.removeprefix(prefix): tensor for name, tensor in tensors.items() if name.startswith(prefix)}
