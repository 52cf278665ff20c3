"""Attempts of several seeds trained together: one call of each operation for all of them.

A step of a small model spends much of its time between operations, not in them. `torch.vmap` runs each operation for
all members at once. All else belongs to each attempt: rows and their order, learning rate, clipping, validation, early
end and checkpoint. So an attempt ends as it would alone, up to the rounding of sums.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn
from torch.func import functional_call

from ...kernels.random_bits import drawn_from
from ..assembly.module import Built, BuiltSequence
from ..contract.spec import PerPosition
from .active_time import active_time
from .attempt import Attempt, add_to_gradient, make_optimizer
from .checkpoint import set_random_state
from .loss import training_loss
from .order import batches

Batch = tuple[Mapping[str, Tensor], Tensor]


def run_together(attempts: Iterable[Attempt], until: int) -> None:
    """Train attempts up to step `until`, as `Attempt.run` does; those that end early leave the ensemble."""
    members = [attempt for attempt in attempts if attempt.goes_on(until)]
    while len(members) > 1:
        ended = _run_until_one_ends(members, until)
        members = [attempt for attempt in members if attempt not in ended]
    for attempt in members:
        attempt.run(until)


def _run_until_one_ends(members: Sequence[Attempt], until: int) -> list[Attempt]:
    """Train the members until at least one has ended, and return those that have."""
    stack, ended = Stack(members), []
    orders = [batches(attempt.setting, attempt.state.step, until) for attempt in members]
    while not ended:
        for attempt in members:
            attempt.prepare_step()
        rows = [next(order) for order in orders]
        losses = stack.step(rows)
        for place, attempt in enumerate(members):
            with stack.random_state_of(place):
                attempt.count_step(len(rows[place]), losses[place])
        ended = [attempt for attempt in members if not attempt.goes_on(until)]
    stack.release()
    for attempt in ended:
        set_random_state(attempt.random)
        attempt.save()
    return ended


class Stack:
    """The weights of several attempts next to each other, and a step that trains them all.

    Until `release`, the modules, gradients and optimizer states of the attempts are views of the same memory, so
    validation and checkpoints copy nothing more than those of an attempt alone.
    """

    def __init__(self, attempts: Sequence[Attempt]):
        self.attempts = attempts
        first = attempts[0]
        self.groups = [_Group(attempts, index) for index in range(len(first.optimizer.param_groups))]
        self.optimizers = [
            make_optimizer(attempt.setting.recipe, [group.for_optimizer(place) for group in self.groups], attempt.rate)
            for place, attempt in enumerate(attempts)
        ]
        for place, optimizer in enumerate(self.optimizers):
            for group in self.groups:
                group.share_state(place, optimizer)
        modules = [_Loss(attempt) for attempt in attempts]
        leaves = {id(parameter): leaf for group in self.groups for parameter, leaf in group.leaves}
        self.padding = [
            group.places[id(module.weight)][:, module.padding_idx]
            for module in first.model.modules()
            if isinstance(module, nn.Embedding) and module.padding_idx is not None
            for group in self.groups
            if id(module.weight) in group.places
        ]
        trained = [(name, p) for name, p in modules[0].named_parameters() if id(p) in leaves]
        self.leaves = {name: leaves[id(parameter)] for name, parameter in trained}
        self.fixed = _stack_fixed(modules, self.leaves)
        self.losses = torch.vmap(partial(_loss_with, modules[0]))
        self.generators = [_generator(attempt) for attempt in attempts] if _draws(first.model) else None

    def step(self, rows: Sequence[Tensor]) -> list[Tensor]:
        """Train one step on the given rows of each member, and return the loss of each."""
        start = active_time()
        losses = self._backward([attempt.batch(each) for attempt, each in zip(self.attempts, rows, strict=True)])
        for attempt in self.attempts:
            for table in attempt.tables:
                add_to_gradient(table, attempt.setting.recipe.embedding_l2)
        self._clip(self.attempts[0].setting.recipe.clip)
        for attempt, optimizer in zip(self.attempts, self.optimizers, strict=True):
            for own, joined in zip(attempt.optimizer.param_groups, optimizer.param_groups, strict=True):
                joined["lr"] = own["lr"]
            optimizer.step()
        share = (active_time() - start) / len(self.attempts)
        for attempt in self.attempts:
            attempt.clock.add(share)
        return losses

    def _backward(self, given: Sequence[Batch]) -> list[Tensor]:
        """Set the gradients of all members, and return their losses."""
        joined = _join(self.attempts[0].model, given)
        if joined is None:
            for group in self.groups:
                group.gradients.zero_()
            return [self._backward_alone(place, batch) for place, batch in enumerate(given)]
        with drawn_from(self.generators):
            losses, whole = self.losses(self.leaves, self.fixed, *joined)
            found = torch.autograd.grad(whole.sum(), [*self.leaves.values()], allow_unused=True)
        gradients = dict(zip(map(id, self.leaves.values()), found, strict=True))
        for group in self.groups:
            group.set_gradients(gradients)
        for row in self.padding:  # torch.vmap loses that padding gets no gradient
            row.zero_()
        return list(losses.detach())

    def _backward_alone(self, place: int, batch: Batch) -> Tensor:
        attempt = self.attempts[place]
        with self.random_state_of(place):
            return attempt.backward(attempt.model, *batch)

    def _clip(self, most: float) -> None:
        """Clip the norm of each member's gradients, as `torch.nn.utils.clip_grad_norm_` does."""
        if not most:
            return
        squares = [torch.linalg.vector_norm(group.gradients, dim=1).square() for group in self.groups]
        factors = (most / (torch.stack(squares).sum(0).sqrt() + 1e-6)).clamp(max=1.0)
        for group in self.groups:
            group.gradients.mul_(factors[:, None])

    @contextmanager
    def random_state_of(self, place: int) -> Iterator[None]:
        """Let a member draw from torch's global generator as if it were alone."""
        if self.generators is None:
            yield
            return
        torch.set_rng_state(self.generators[place].get_state())
        yield
        self.generators[place].set_state(torch.get_rng_state())

    def release(self) -> None:
        """Give each attempt tensors of its own again."""
        for place, attempt in enumerate(self.attempts):
            for tensor in [*attempt.model.parameters(), *attempt.model.buffers()]:
                tensor.data = tensor.data.clone()
                tensor.grad = None
            for state in attempt.optimizer.state.values():
                state.update({name: value.clone() for name, value in state.items()})
            if self.generators is not None:
                attempt.random = {"random.cpu": self.generators[place].get_state()}


class _Group:
    """The parameters of one optimizer group, and their gradients: (members, parameters).

    Attributes
    ----------
    leaves
        Each parameter of the first member, and the tensor of that parameter of all members, (members, ...).
    places
        By id of a parameter of the first member, where the gradients of all members are.
    """

    def __init__(self, attempts: Sequence[Attempt], index: int):
        self.attempts, self.index = attempts, index
        self.members = [attempt.optimizer.param_groups[index]["params"] for attempt in attempts]
        self.sizes = [parameter.numel() for parameter in self.members[0]]
        self.weights = torch.stack([_flat(parameters) for parameters in self.members])
        self.gradients = torch.zeros_like(self.weights)
        self.leaves: list[tuple[nn.Parameter, Tensor]] = []
        self.places: dict[int, Tensor] = {}
        parts = zip(*self.members, strict=True), self.weights.split(self.sizes, 1), self.gradients.split(self.sizes, 1)
        for parameters, weights, gradients in zip(*parts, strict=True):
            shape = (len(attempts), *parameters[0].shape)
            leaf, place = weights.detach().view(shape).requires_grad_(), gradients.view(shape)
            for member, parameter in enumerate(parameters):
                parameter.data, parameter.grad = leaf.data[member], place[member]
            self.leaves.append((parameters[0], leaf))
            self.places[id(parameters[0])] = place

    def for_optimizer(self, place: int) -> dict[str, Any]:
        """Return the optimizer group of one member, with one parameter in place of all."""
        own = self.attempts[place].optimizer.param_groups[self.index]
        row = nn.Parameter(self.weights[place])
        row.grad = self.gradients[place]
        return {"params": [row], "weight_decay": own["weight_decay"], "max_rate": own["max_rate"]}

    def share_state(self, place: int, optimizer: torch.optim.Optimizer) -> None:
        """Continue from the state of a member's own optimizer, which becomes views of the state of `optimizer`."""
        own, parameters = self.attempts[place].optimizer.state, self.members[place]
        [row] = optimizer.param_groups[self.index]["params"]
        before = [own.get(parameter) or _new_state(parameter) for parameter in parameters]
        state = {name: _flat([each[name] for each in before]) for name in before[0] if name != "step"}
        step = before[0]["step"].clone()
        optimizer.state[row] = {"step": step, **state}
        for position, parameter in enumerate(parameters):
            views = {name: x.split(self.sizes)[position].view(parameter.shape) for name, x in state.items()}
            own[parameter] = {"step": step, **views}

    def set_gradients(self, found: Mapping[int, Tensor | None]) -> None:
        """Copy the gradients of the leaves, by their id; those that the loss does not depend on are zero."""
        for parameter, leaf in self.leaves:
            place, gradient = self.places[id(parameter)], found[id(leaf)]
            if gradient is None:
                place.zero_()
            else:
                place.copy_(gradient)


class _Loss(nn.Module):
    """The training loss of an attempt's model as a module, so that its weights can be replaced."""

    def __init__(self, attempt: Attempt):
        super().__init__()
        self.model = attempt.model

    def forward(self, inputs: Mapping[str, Tensor], targets: Tensor) -> tuple[Tensor, Tensor]:
        """Return the loss without and with the auxiliary loss."""
        loss, auxiliary = training_loss(self.model, self.model(**inputs), targets)
        return loss, loss if auxiliary is None else loss + auxiliary


def _loss_with(
    module: _Loss, leaves: dict[str, Tensor], fixed: dict[str, Tensor], inputs: Mapping[str, Tensor], targets: Tensor
) -> tuple[Tensor, Tensor]:
    return functional_call(module, (leaves, fixed), (inputs, targets))


def _flat(tensors: Sequence[Tensor]) -> Tensor:
    return torch.cat([tensor.detach().flatten() for tensor in tensors])


def _new_state(parameter: Tensor) -> dict[str, Tensor]:
    """Return the state in which Adam and AdamW start."""
    zeros = torch.zeros_like(parameter, memory_format=torch.contiguous_format)
    return {"step": torch.zeros(()), "exp_avg": zeros, "exp_avg_sq": zeros}


def _stack_fixed(modules: Sequence[nn.Module], trained: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Stack frozen parameters and buffers, except for buffers that are not saved: they are constants of the model."""
    kept = modules[0].state_dict()
    members = [dict([*module.named_parameters(), *module.named_buffers()]) for module in modules]
    fixed = {}
    for name in members[0]:
        if name in kept and name not in trained:
            fixed[name] = torch.stack([tensors[name].detach() for tensors in members])
            for place, tensors in enumerate(members):
                tensors[name].data = fixed[name][place]
    return fixed


def _join(model: Built, given: Sequence[Batch]) -> tuple[dict[str, Tensor], Tensor] | None:
    """Return the batches of all members, along a new first axis; None if their shapes differ.

    Marked positions become indices. If members have different numbers, and only the head sees them, those with fewer
    get more that the loss ignores.
    """
    outputs = model.spec.outputs
    inputs, targets = [dict(each) for each, _ in given], [target for _, target in given]
    if isinstance(outputs, PerPosition):
        most = max(map(len, targets))
        if most > min(map(len, targets)) and not isinstance(model, BuiltSequence):
            return None
        for each, target in zip(inputs, targets, strict=True):
            marked = each["scored"].flatten().nonzero().squeeze(1)
            each["scored"] = nn.functional.pad(marked, (0, most - len(target)))
        targets = [nn.functional.pad(x, (0, most - len(x)), value=outputs.ignore) for x in targets]
    if len({tuple(x.shape for x in (*each.values(), y)) for each, y in zip(inputs, targets, strict=True)}) > 1:
        return None
    return {name: torch.stack([each[name] for each in inputs]) for name in inputs[0]}, torch.stack(targets)


def _draws(model: nn.Module) -> bool:
    """Return whether training the model draws random numbers."""
    return any(isinstance(module, nn.modules.dropout._DropoutNd) and module.p for module in model.modules())


def _generator(attempt: Attempt) -> torch.Generator:
    generator = torch.Generator()
    generator.set_state(attempt.random["random.cpu"])
    return generator
