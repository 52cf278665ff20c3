"""Contract checks on weights trained on 8 rows.

Training reveals leaks that are scaled by a parameter initialized to zero or masked by fresh weights.
"""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ..assembly.module import tensors_of
from ..contract.spec import Classes, Image, Pair, Tokens
from ..training.rows import Rows
from .findings import BrokenError, require
from .samples import change_one_place_a_row, change_the_future, n_positions
from .subject import ModelSubject

STEPS = 400
RATE = 1e-2
LEARNED = 0.3
"""Maximum loss of 8 learned rows, as a fraction of the initial loss."""

LENGTHS, PLACES = (64, 300, 1024), 3
"""Lengths of rows, and number of positions, at which a causal model must not see later positions."""

TOLERANCE = 1e-4
"""Maximum difference between outputs that must be equal, as a fraction of the largest output."""


def overfit(subject: ModelSubject) -> None:
    """Check that the model can memorize 8 rows."""
    subject.model = model = subject.build()
    if model.fits_itself:
        return _fit(subject)
    optimizer = torch.optim.AdamW(model.param_groups(0.0), lr=RATE)
    for group in optimizer.param_groups:
        group["lr"] = min(RATE, group["max_rate"])
    first = last = float("nan")
    for step in range(STEPS):
        loss = subject.loss(model)
        last = loss.item()
        first = last if step == 0 else first
        if last < LEARNED * first:
            return None
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
    raise BrokenError(f"8 rows were not learned in {STEPS} steps: the loss went from {first:.3g} to {last:.3g}")


def _fit(subject: ModelSubject) -> None:
    """Check the model's own `fit` on 8 rows: classes by argmax, since `fit` need not minimize the harness's loss."""
    first = subject.loss(subject.model).item()
    rows = Rows({k: v.numpy() for k, v in subject.inputs.items()}, subject.targets.numpy(), torch.device("cpu"))
    subject.model.core.fit(subject.model, rows)
    if isinstance(subject.spec.outputs, Classes):
        wrong = int((subject.outputs(subject.inputs).argmax(-1) != subject.targets).sum())
        require(wrong == 0, f"after fit(), {wrong} of 8 rows are wrong")
        return
    last = subject.loss(subject.model).item()
    require(last < LEARNED * first, f"fit() does not learn 8 rows: the loss went from {first:.3g} to {last:.3g}")


def step(subject: ModelSubject) -> str | None:
    """Check that stepping through positions gives the same outputs as the whole row."""
    built = subject.model
    if not (built.steps_itself and subject.spec.causal and subject.spec.per_position):
        return "the model has no step, or the task is not causal"
    name = "tokens" if isinstance(subject.spec.inputs, Tokens) else "values"
    rows = subject.inputs[name][:3]
    whole, state, outputs = subject.outputs({name: rows}), built.init_state(3), []
    for x in rows.unbind(1):
        with torch.no_grad():
            y, state = built.step(x, state)
        outputs.append(y)
    require(all(len(leaf) == 3 for leaf in tensors_of(state)), "the state's tensors do not have the batch first")
    _require_equal(whole, torch.stack(outputs, 1), "step and forward differ")
    return None


def look_ahead(subject: ModelSubject) -> str | None:
    """Check by input changes and by gradients that position t does not depend on later positions."""
    if not subject.spec.causal:
        return "the task is not causal"
    if subject.spec.per_position:
        equal, changed = change_the_future(subject.spec, torch.arange(n_positions(subject.spec)))
        past = torch.ones(n_positions(subject.spec), n_positions(subject.spec)).tril()[..., None]
        _require_equal(subject.outputs(equal) * past, subject.outputs(changed) * past, "later tokens change outputs")
    if subject.mixer is not None:
        flow = gradient_flow(subject.mixer, subject)
        leak = flow.triu(1).max()
        require(bool(leak <= 1e-5 * flow.max()), "a gradient reaches an output from a later position")
    return None


def long_look_ahead(subject: ModelSubject) -> str | None:
    """Check by input changes that outputs do not depend on later positions of rows as long as those of the tasks.

    Weights with the same shape at both lengths are those trained on the short rows.
    """
    if not (subject.spec.causal and subject.spec.per_position and isinstance(subject.spec.inputs, Tokens)):
        return "the task is not causal"
    for length in LENGTHS:
        long = ModelSubject(subject.cls, replace(subject.spec, inputs=replace(subject.spec.inputs, length=length)))
        long.model, trained = long.build(), subject.model.state_dict()
        fresh = long.model.state_dict()
        alike = {name: array for name, array in trained.items() if name in fresh and fresh[name].shape == array.shape}
        long.model.load_state_dict(alike, strict=False)
        places = torch.randperm(length - 1, generator=torch.Generator().manual_seed(length))[:PLACES].sort().values
        equal, changed = change_the_future(long.spec, places)
        past = (torch.arange(length) <= places[:, None])[..., None]
        before, after = (long.outputs(rows) * past for rows in (equal, changed))
        _require_equal(before, after, f"later tokens change outputs in rows of {length} positions")
    return None


def reach(subject: ModelSubject) -> str | None:
    """Check that every input entry affects the output, and that the ends of a bidirectional model affect each other."""
    equal, changed = change_one_place_a_row(subject.spec)
    moved = (subject.outputs(equal) != subject.outputs(changed)).flatten(1).any(1)
    advice = ". Pad images whose sides are no multiples of a patch" if isinstance(subject.spec.inputs, Image) else ""
    require(bool(moved.all()), f"{int((~moved).sum())} of {len(moved)} input entries do not affect the output{advice}")
    if subject.mixer is not None and not subject.spec.causal:
        flow = gradient_flow(subject.mixer, subject)
        message = f"over {len(flow)} positions, no gradient reaches"
        first_is_read = subject.spec.per_position or subject.mixer.pooling == "mean"
        advice = ". If the model reads only earlier positions, as a GRU does, set causal_only = True in its class"
        require(not first_is_read or bool(flow[0, -1] > 0), f"{message} the first output from the last input{advice}")
        require(bool(flow[-1, 0] > 0), f"{message} the last output from the first input")
    return None


def gradient_flow(mixer: nn.Module, subject: ModelSubject) -> Tensor:
    """Return (length, length): the largest gradient of output t with respect to input s."""
    generator = torch.Generator().manual_seed(1)
    length, width = n_positions(subject.spec), subject.size.width
    x = torch.randn(1, length, width, generator=generator).requires_grad_()
    direction = torch.randn(width, generator=generator)
    scores = mixer.eval()(x, None)[0] @ direction
    rows = [torch.autograd.grad(score, x, retain_graph=True, allow_unused=True)[0] for score in scores]
    return torch.stack([torch.zeros(length) if row is None else row[0].abs().amax(-1) for row in rows])


def padding(subject: ModelSubject) -> str | None:
    """Check that padding does not change the outputs."""
    if not isinstance(subject.spec.inputs, Tokens | Pair):
        return "rows have no padding"
    tokens, short = subject.inputs["tokens"], n_positions(subject.spec) // 2 + 1
    lengths = torch.full_like(subject.inputs["lengths"], short)
    narrow = torch.where(tokens > 0, tokens, 1)[..., :short]
    wide = F.pad(narrow, (0, tokens.shape[-1] - short))
    a, b = (subject.outputs({"tokens": array, "lengths": lengths}) for array in (narrow, wide))
    if subject.spec.per_position:
        b = b[:, :short]
    _require_equal(a, b, "padding changes the outputs")
    return None


def batch_size(subject: ModelSubject) -> None:
    """Check that a row's outputs do not depend on the other rows of the batch."""
    whole = subject.outputs(subject.inputs)
    rows = [subject.outputs({name: array[row : row + 1] for name, array in subject.inputs.items()}) for row in (0, 3)]
    _require_equal(whole[[0, 3]], torch.cat(rows), "other rows of a batch change the outputs")


def _require_equal(a: Tensor, b: Tensor, message: str) -> None:
    gap, scale = float((a - b).abs().max()), float(a.abs().max())
    require(gap <= TOLERANCE * scale, f"{message}: by {gap:.2g}, with outputs up to {scale:.2g}")
