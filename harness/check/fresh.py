"""Contract checks on freshly initialized weights."""

from __future__ import annotations

from itertools import takewhile

import torch
from torch import Tensor

from ..assembly.sizing import fit_width
from ..contract.model import ParamGroup
from ..errors import UserError
from ..planning.tier import get_tier
from .findings import BrokenError, require
from .samples import output_shape
from .subject import ModelSubject


def build(subject: ModelSubject) -> None:
    """Check that the model builds at a tiny width, and that its optimizer gets every parameter."""
    subject.model = subject.build()
    trained = {id(p) for group in subject.model.param_groups(0.01) for p in group["params"]}
    missing = [n for n, p in subject.model.named_parameters() if p.requires_grad and id(p) not in trained]
    require(not missing, f"param_groups() leaves out {', '.join(missing[:3])}")


def param_groups(subject: ModelSubject) -> None:
    """Check that groups contain only known keys and name each of the model's parameters at most once."""
    declared = subject.model.core.param_groups()
    unknown = sorted({key for group in declared for key in group} - ParamGroup.__annotations__.keys())
    require(not unknown, f"a group of param_groups() has unknown keys: {', '.join(unknown)}")
    named = [id(parameter) for group in declared for parameter in group["params"]]
    require(len(named) == len(set(named)), "param_groups() names a parameter twice")
    strange = set(named) - {id(parameter) for parameter in subject.model.parameters()}
    require(not strange, f"param_groups() names {len(strange)} parameters that are not in the model")


def size(subject: ModelSubject) -> None:
    """Check that the body can have the size of the smoke or the quick tier and that it is part of the model."""
    tiers = (get_tier("smoke"), get_tier("quick"))
    fits = (fit_width(subject.cls, subject.spec, tier.depth, tier.body_parameters, {}) for tier in tiers)
    refusals = list(takewhile(bool, (fit.refusal for fit in fits)))
    require(len(refusals) < len(tiers), refusals[0] if refusals else "")
    known = {id(parameter) for parameter in subject.model.parameters()}
    body = subject.model.body_parameters()
    require(bool(body), "body_parameters() is empty")
    require({id(p) for p in body} <= known, "body_parameters() contains parameters that are not in the model")


def hyperparameters(subject: ModelSubject) -> None:
    """Check that an unknown hyperparameter is refused."""
    try:
        subject.build(no_such_hyperparameter=1)
    except UserError:
        return
    raise BrokenError("an unknown hyperparameter was accepted")


def shapes(subject: ModelSubject) -> None:
    """Check that the output is one tensor of the right shape and dtype."""
    outputs, expected = subject.outputs(subject.inputs), output_shape(subject.spec, len(subject.targets))
    require(isinstance(outputs, Tensor), f"the model returned a {type(outputs).__name__}, not a tensor")
    found = tuple(outputs.shape)
    require(found == expected, f"the outputs have shape {found}, expected {expected}")
    require(outputs.dtype == torch.float32, f"the outputs are {outputs.dtype}, expected torch.float32")


def finite(subject: ModelSubject) -> None:
    """Check that outputs and gradients are finite."""
    require(bool(subject.outputs(subject.inputs).isfinite().all()), "the outputs contain NaN or infinity")
    subject.model.zero_grad()
    subject.loss(subject.model).backward()
    bad = [n for n, p in subject.model.named_parameters() if p.grad is not None and not p.grad.isfinite().all()]
    require(not bad, f"the gradient of {', '.join(bad[:3])} contains NaN or infinity")


def gradients(subject: ModelSubject) -> None:
    """Check that every parameter that is not declared dead gets a gradient."""
    dead = subject.model.core.dead_parameters()
    names = {name for name, _ in subject.model.core.named_parameters()}
    stale = [name for name in dead if name not in names]
    require(not stale, f"dead_parameters() names {', '.join(stale[:3])}, which the model does not have")
    parameters = {n: p for n, p in subject.model.named_parameters() if n.removeprefix("core.") not in dead}
    trained = {n: p for n, p in parameters.items() if p.requires_grad and p.numel()}
    starved = [n for n, p in trained.items() if p.grad is None or not p.grad.any()]
    require(not starved, f"no gradient reaches {', '.join(starved[:3])}")


def seed(subject: ModelSubject) -> None:
    """Check that the initial weights are determined by the seed and change with it."""
    first, again, other = subject.build(seed=1), subject.build(seed=1), subject.build(seed=2)
    torch.manual_seed(0)
    loss = subject.loss(first)
    torch.manual_seed(0)
    require(torch.equal(loss, subject.loss(again)), "the same seed gave two different losses")
    mine, theirs = (dict(model.core.named_parameters()) for model in (first, other))
    matrices = [name for name, weight in mine.items() if weight.ndim > 1 and len(weight.unique()) > 1]
    moved = [name for name in mine if not torch.equal(mine[name], theirs[name])]
    require(bool(moved) or not matrices, "two seeds gave the same initial weights")
