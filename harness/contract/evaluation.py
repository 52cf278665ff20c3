"""contract.evaluation."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from .metrics import METRICS, Metric


@dataclass(frozen=True)
class Decoding:
    """How answers are generated.

    Attributes
    ----------
    max_new_tokens
        Most tokens of an answer.
    samples
        Answers a prompt.
    temperature
        0 takes the likeliest token each time.
    stop
        The token that ends an answer.
    stop_text
        The text that ends it, for a model that writes text (`archarena.harness.contract.model.Generator`).
    """

    max_new_tokens: int
    samples: int = 1
    temperature: float = 0.0
    stop: int | None = None
    stop_text: str | None = None


@dataclass(frozen=True)
class Evaluation:
    """One column of the board: a metric on one test set.

    Attributes
    ----------
    name
        Empty for a task's main column, named like the task; else it is appended to that name.
    metric
        A name in `archarena.harness.contract.metrics`, or a `Metric` of the task's own (not for the first
        evaluation, whose metric is read on the validation rows too).
    test
        The test set it reads.
    readout
        ``"outputs"``: what the model returns. ``"likelihood"`` (next-token tasks): the summed
        log-probability of each row's scored tokens, so that candidates can be ranked; the
        split's inputs then hold ``candidates`` (rows, length), next tokens or -100, and the
        targets belong to the parent alone. ``"generate"`` (next-token tasks): answers to prompts,
        as `decoding` says; the inputs are the prompts, ``tokens`` and ``lengths``, and, for models
        that write text, ``text`` (rows,) of str. The metric gets tokens (rows, samples, length)
        int32, or UTF-8 bytes of that shape as uint8 (`archarena.harness.training.generate.read_text`), 0
        past the end, and the targets, which belong to the parent alone.
    decoding
        How answers are generated, for readout ``"generate"``.
    chance, ceiling
        The score of a blind guess and the best reachable score, where they are constants. Those
        that depend on the data come from `Task.baselines`.
    slices
        Names of `Split.groups` by which the score is also reported.
    """

    metric: str | Metric
    summary: str
    name: str = ""
    test: str = "test"
    readout: Literal["outputs", "likelihood", "generate"] = "outputs"
    decoding: Decoding | None = None
    chance: float | None = None
    ceiling: float | None = None
    slices: tuple[str, ...] = ()

    @property
    def scorer(self) -> Metric:
        """Return the metric itself."""
        return METRICS[self.metric] if isinstance(self.metric, str) else self.metric

    @property
    def predictions(self) -> str:
        """Return the name of the predictions it scores; evaluations of one name share them."""
        how = self.decoding
        sampled = f"-{how.samples}x{how.temperature:g}" if how and (how.samples, how.temperature) != (1, 0) else ""
        return f"{self.test}.{self.readout}{sampled}"


@dataclass(frozen=True)
class ReferenceScore:
    """A score to lay beside the models': what a rule without learning, or a bound, reaches."""

    evaluation: str
    name: str
    value: float
    kind: Literal["chance", "baseline", "ceiling"] = "baseline"
    summary: str = ""
