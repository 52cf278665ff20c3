"""Contract checks of a model at a tiny size."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial

import torch

from ..contract.model import Model
from ..contract.scan import Entry
from ..contract.spec import TaskSpec
from . import fresh, trained
from .findings import Finding, examine, merge, require
from .samples import SPECS
from .state import StateWatch
from .subject import ModelSubject
from .writers import answers

POINTS: dict[str, Callable[[ModelSubject], str | None]] = {
    "build": fresh.build,
    "param_groups": fresh.param_groups,
    "shapes": fresh.shapes,
    "finite": fresh.finite,
    "gradients": fresh.gradients,
    "size": fresh.size,
    "hyperparameters": fresh.hyperparameters,
    "seed": fresh.seed,
    "overfit": trained.overfit,
    "batch size": trained.batch_size,
    "look-ahead": trained.look_ahead,
    "look-ahead in long rows": trained.long_look_ahead,
    "step": trained.step,
    "padding": trained.padding,
    "reach": trained.reach,
}
NEEDED_BY_THE_REST = ("build", "shapes", "finite", "batch size", "look-ahead")
"""If one of these fails on a task, the later checks are not run, as they would only repeat the failure."""


def check_model(model: Entry | type, specs: Mapping[str, TaskSpec] | None = None) -> list[Finding]:
    """Run the contract checks of a model on the CPU.

    Parameters
    ----------
    model
        A registered entry, whose import is watched for changes to global state, or a class.
    specs
        Task specs to build it for, by name. Default: tiny ones of every kind.
    """
    watch, findings, loaded = StateWatch(), [], []
    with torch.random.fork_rng(devices=[]):
        findings.append(examine("import", partial(_load, model, loaded, watch)))
        for cls in loaded:
            if not issubclass(cls, Model):
                return [*findings, examine("answers", partial(answers, cls)), watch.finding()]
            for name, spec in (specs or SPECS).items():
                findings += _check_on(cls, name, spec, watch)
    return [*merge(findings), watch.finding()]


def _load(model: Entry | type, loaded: list[type], watch: StateWatch) -> None:
    before = torch.get_rng_state()
    with watch.during("on import"):
        cls = model.load() if isinstance(model, Entry) else model
    if not torch.equal(before, torch.get_rng_state()):
        watch.changes["torch's global generator"] = "on import"
    known = issubclass(cls, Model) or hasattr(cls, "generate")
    bases = "SequenceModel, FieldModel or ImageModel"
    require(known, f"{cls.__name__} must subclass {bases}, or define generate()")
    loaded.append(cls)


def _check_on(cls: type[Model], name: str, spec: TaskSpec, watch: StateWatch) -> list[Finding]:
    reason = cls.supports(spec)
    if reason:
        return [Finding(f"supports {name}", "skipped", reason)]
    subject, findings = ModelSubject(cls, spec), []
    for point, check in POINTS.items():
        with watch.during(f"{name}, {point}"):
            findings.append(examine(point, partial(check, subject), name))
        if findings[-1].status == "failed" and point in NEEDED_BY_THE_REST:
            break
    return findings
