"""Evaluations, decoding and reference scores of a task."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from .metrics import METRICS, Metric
from .names import check_name


@dataclass(frozen=True)
class Decoding:
    """How answers are generated.

    Attributes
    ----------
    max_new_tokens
        Maximum number of tokens per answer.
    samples
        Number of samples per prompt.
    temperature
        Sampling temperature; 0 means greedy decoding.
    stop
        Token that ends an answer.
    stop_text
        Text that ends an answer, for models that write text (`archarena.harness.contract.model.Generator`).
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
        Appended to the task's name to form the column name; empty for the task's main column.
    metric
        A name in `archarena.harness.contract.metrics`, or a custom `Metric`. The first evaluation must
        use a name, because its metric is also computed on the validation rows.
    test
        Name of the test set.
    readout
        How predictions are obtained.

        ``"outputs"``: the model's outputs.

        ``"likelihood"`` (next-token tasks): the summed log-probability of each row's scored tokens,
        for ranking candidates. The split's inputs then include ``candidates`` (rows, length), next
        tokens or -100; only the parent process sees the targets.

        ``"generate"`` (next-token tasks): answers to prompts, generated according to `decoding`. The
        inputs are the prompts, ``tokens`` and ``lengths``, and, for models that write text, ``text``
        (rows,) of str. The metric receives tokens (rows, samples, length) int32, or UTF-8 bytes of
        that shape as uint8 (`archarena.harness.training.generate.read_text`), padded with 0, and the
        targets, which only the parent process sees.
    decoding
        Generation settings for readout ``"generate"``.
    chance, ceiling
        The chance score and the best possible score, if they are constant. Scores that depend on the
        data come from `Task.reference_scores`.
    slices
        Names of the `Split.groups` for which the score is also reported.
    companion_of
        Name of the evaluation of which this is a further view, such as a stricter comparison of the same answers, so
        that pages show both as one column; None if it stands alone.
    clusters
        Name of the `Split.groups` that says which rows belong together, such as those of one user or document, so
        that they do not count as independent; empty if every row stands alone.
    margin
        Scores that differ by less than this count as equal; by default the metric's.
    solved
        Score from which a seed has solved the task, for tasks that are solved or not; None for others.
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
    companion_of: str | None = None
    clusters: str = ""
    margin: float | None = None
    solved: float | None = None

    def __post_init__(self) -> None:
        for kind, name in (("evaluation", self.name), ("test set", self.test)):
            if name != "":
                check_name(kind, name)

    @property
    def scorer(self) -> Metric:
        """Return the `Metric`, looked up by name if necessary."""
        return METRICS[self.metric] if isinstance(self.metric, str) else self.metric

    @property
    def predictions(self) -> str:
        """Return the name of the predictions it scores; evaluations with the same name share them."""
        how = self.decoding
        sampled = f"-{how.samples}x{how.temperature:g}" if how and (how.samples, how.temperature) != (1, 0) else ""
        return f"{self.test}.{self.readout}{sampled}"


@dataclass(frozen=True)
class ReferenceScore:
    """A reference score: chance, an untrained baseline, or an upper bound."""

    evaluation: str
    name: str
    value: float
    kind: Literal["chance", "baseline", "ceiling"] = "baseline"
    summary: str = ""
