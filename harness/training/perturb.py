"""Predictive multiplicity by noise at inference (Hsu et al. 2024, arXiv:2402.00728).

Each draw multiplies every output feature of every `Linear` and `Conv` by ``1 + rate * N(0, 1)``
(Gaussian dropout). The factors are drawn once per model, so each draw is a fixed model rather than
a noisy forward pass. Models with a validation loss at most epsilon above that of the trained model
are compared.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import numpy as np
import torch
from torch import Tensor, nn

from ..assembly.module import Built
from ..contract.spec import Binary, Classes, TaskSpec
from ..records.multiplicity import disagreement, multiplicity, viable_range
from ..records.record import Multiplicity, MultiplicityStep
from .loss import loss_function
from .rows import Rows

RATES = (0.01, 0.02, 0.05, 0.1, 0.2)

DRAWS = 20
"""Models drawn per rate."""

EPSILONS = (0.01, 0.02, 0.03, 0.04)
"""Maximum increase of the validation loss over the trained model, in nats."""

MOST_ROWS = 2000
"""Maximum number of validation rows used, taken from the start."""

_NOISY = (nn.Linear, nn.Conv1d, nn.Conv2d)


@torch.no_grad()
def explore(model: Built, valid: Rows, spec: TaskSpec, batch: int, seed: int) -> Multiplicity:
    """Draw models around a trained one and measure how differently those of nearly equal loss decide."""
    if not isinstance(spec.outputs, Classes | Binary):
        return Multiplicity(reason="Multiplicity is measured only on tasks with one class per row.")
    model.eval()
    generator = torch.Generator(valid.device).manual_seed(seed)
    base_loss, base_scores, labels = _read(model, valid, spec, batch)
    losses, scores = [base_loss], [base_scores]
    for rate in RATES:
        for _ in range(DRAWS):
            with noise(model, rate, generator):
                loss, found, _ = _read(model, valid, spec, batch)
            losses.append(loss)
            scores.append(found)
    gaps, table = np.array(losses) - base_loss, np.stack(scores)
    steps = [_step(epsilon, table[gaps <= epsilon], labels) for epsilon in EPSILONS]
    return Multiplicity(rows=len(labels), drawn=len(losses) - 1, base_loss=base_loss, steps=steps)


@contextmanager
def noise(model: Built, rate: float, generator: torch.Generator) -> Iterator[None]:
    """Scale every output feature of every linear layer and convolution by one draw of ``1 + rate * N(0, 1)``."""

    def hook_of(module: nn.Linear | nn.Conv1d | nn.Conv2d) -> Callable[..., Tensor]:
        is_linear = isinstance(module, nn.Linear)
        features = module.out_features if is_linear else module.out_channels
        factors = 1 + rate * torch.randn(features, generator=generator, device=generator.device)
        trailing = 0 if is_linear else module.weight.ndim - 2
        factors = factors.view(-1, *[1] * trailing)
        return lambda _, __, output: output * factors.to(output.dtype)

    hooks = [m.register_forward_hook(hook_of(m)) for m in model.modules() if isinstance(m, _NOISY)]
    try:
        yield
    finally:
        for hook in hooks:
            hook.remove()


def _read(model: Built, valid: Rows, spec: TaskSpec, batch: int) -> tuple[float, np.ndarray, np.ndarray]:
    """Return the mean loss, the probabilities (rows, classes), and the labels (rows,)."""
    loss, total = loss_function(spec), 0.0
    probabilities, labels = [], []
    for start in range(0, min(MOST_ROWS, len(valid)), batch):
        inputs, targets = valid.batch(slice(start, min(start + batch, MOST_ROWS)))
        assert targets is not None
        outputs = model(**inputs).float()
        total += loss(outputs, targets).item() * len(targets)
        probabilities.append(_probabilities(outputs))
        labels.append(targets)
    right = torch.cat(labels).long().cpu().numpy()
    return total / len(right), torch.cat(probabilities).cpu().numpy(), right


def _probabilities(outputs: Tensor) -> Tensor:
    if outputs.shape[1] > 1:
        return outputs.softmax(1)
    one = outputs.sigmoid()
    return torch.cat((1 - one, one), 1)


def _step(epsilon: float, kept: np.ndarray, labels: np.ndarray) -> MultiplicityStep:
    """Return the measures over the probabilities `kept` (models, rows, classes), trained model first."""
    decisions, classes = kept.argmax(-1), kept.shape[-1]
    ambiguity, discrepancy, mean = multiplicity(decisions, classes)
    ranges = viable_range(kept[:, np.arange(len(labels)), labels])
    return MultiplicityStep(
        epsilon=epsilon,
        models=len(kept),
        ambiguity=ambiguity,
        discrepancy=discrepancy,
        disagreement=mean,
        disagreement_95=float(np.quantile(disagreement(decisions, classes), 0.95)),
        viable_range=float(ranges.mean()),
        viable_range_95=float(np.quantile(ranges, 0.95)),
    )
