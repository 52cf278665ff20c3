"""Decoding equals choosing by hand at any prompt length and batch size, and generated text is scored unchanged."""

import numpy as np
import pytest
import torch
from archarena.harness import Decoding, NextToken, SequenceModel, Size, TaskSpec, Tokens, build
from archarena.harness.training.generate import choose, decode, generate_text, read_text
from torch import nn

LENGTH, VOCABULARY = 24, 11
SPEC = TaskSpec(Tokens(VOCABULARY, LENGTH), NextToken(VOCABULARY), causal=True)


class Decay(SequenceModel):
    """A decaying sum over the prefix, computed by forward for each token."""

    def __init__(self, width):
        super().__init__()
        self.mix = nn.Linear(width, width)

    def forward(self, x, lengths=None):
        sums = [torch.zeros_like(x[:, 0])]
        for position in x.unbind(1):
            sums.append(0.6 * sums[-1] + position)
        return torch.tanh(self.mix(torch.stack(sums[1:], 1)))


class Stepping(Decay):
    """The same sum as a recurrence."""

    def init_state(self, batch):
        return self.mix.weight.new_zeros(batch, self.mix.in_features)

    def step(self, x, state):
        state = 0.6 * state + x
        return torch.tanh(self.mix(state)), state


@pytest.fixture
def prompts():
    draw = np.random.default_rng(0)
    lengths = np.array([3, 9, 1, 9, 5])
    tokens = draw.integers(1, VOCABULARY, (5, 9)) * (np.arange(9) < lengths[:, None])
    return tokens.astype(np.int16), lengths


def make(cls):
    torch.manual_seed(0)
    return build(cls, SPEC, Size(16, 1)).eval()


def by_hand(built, prompt, count):
    """Return the most likely continuation, with one forward pass per token."""
    row = prompt.astype(np.int64).tolist()
    for _ in range(count):
        logits = built(tokens=torch.tensor([row]))[0, -1]
        row.append(1 + int(logits[1:].argmax()))
    return row[len(prompt) :]


@pytest.mark.parametrize("cls", [Decay, Stepping])
@pytest.mark.parametrize("batch", [1, 3, 8])
def test_greedy_decoding_is_the_likeliest_token_each_time(cls, batch, prompts):
    tokens, lengths = prompts
    built = make(cls)
    found = decode(built, tokens, lengths, Decoding(max_new_tokens=7), seed=0, batch=batch)
    assert found.shape == (5, 1, 7)
    expected = [by_hand(built, row[:length], 7) for row, length in zip(tokens, lengths, strict=True)]
    assert found[:, 0].tolist() == expected


def test_a_stop_token_ends_its_row_alone_and_is_not_part_of_it(prompts):
    tokens, lengths = prompts
    built = make(Stepping)
    free = decode(built, tokens, lengths, Decoding(7), seed=0, batch=8)[:, 0]
    stop = int(free[0, 3])
    found = decode(built, tokens, lengths, Decoding(7, stop=stop), seed=0, batch=8)[:, 0]
    for row, unstopped in zip(found.tolist(), free.tolist(), strict=True):
        end = unstopped.index(stop) if stop in unstopped else 7
        assert row == unstopped[:end] + [0] * (7 - end)


def test_samples_are_a_function_of_the_seed_and_leave_the_global_generator_alone(prompts):
    built, how = make(Stepping), Decoding(6, samples=4, temperature=1.0)
    before = torch.get_rng_state()
    first, again, other = (decode(built, *prompts, how, seed=seed, batch=6) for seed in (1, 1, 2))
    assert torch.equal(before, torch.get_rng_state())
    assert first.shape == (5, 4, 6)
    assert (first > 0).all()
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


def test_tokens_are_drawn_by_their_probability_at_the_temperature():
    logits = torch.tensor([[9.0, 0.0, 1.0, 2.0]]).expand(20_000, -1)
    drawn = choose(logits, 0.5, torch.Generator().manual_seed(0))
    shares = torch.bincount(drawn, minlength=4) / 20_000
    expected = torch.tensor([-torch.inf, 0.0, 2.0, 4.0]).softmax(0)
    torch.testing.assert_close(shares, expected, atol=0.01, rtol=0)


class Parrot:
    """Repeats its prompt."""

    def __init__(self, times=None):
        self.times = times

    def generate(self, prompts, *, samples, max_new_tokens, temperature, stop, seed):
        return [[f"{prompt} é{k}"[:max_new_tokens] for k in range(self.times or samples)] for prompt in prompts]


def test_text_is_kept_as_bytes_and_read_back():
    found = generate_text(Parrot(), ["a", "bcd"], Decoding(20, samples=2), seed=0)
    assert found.dtype == np.uint8
    assert read_text(found) == [["a é0", "a é1"], ["bcd é0", "bcd é1"]]


def test_a_wrong_number_of_texts_is_told():
    with pytest.raises(ValueError, match="2 texts for each of 1 prompts"):
        generate_text(Parrot(times=3), ["a"], Decoding(20, samples=2), seed=0)


TASK = '''
import numpy as np
from archarena.harness import (
    Budget, Decoding, Evaluation, Metric, NextToken, Split, Splits, Task, TaskSpec, Tokens, register_task,
    build,
)


def starts_right(predictions, targets):
    """Whether the first sample begins with the answer: as a token, or as a digit where it is text."""
    first = predictions[:, 0, 0].astype(np.int64) - (48 if predictions.dtype == np.uint8 else 0)
    return (first == targets).astype(float), np.ones(len(targets))


RIGHT = Metric("starts_right", "higher", 1.0, "fraction", starts_right, lambda a, b: float(a.mean()), "Right starts.")


@register_task("count", summary="Say the next number.", suites=("toys",))
class Count(Task):
    arguments = {"smoke": {}}
    budgets = {"smoke": Budget(40, 16)}
    evaluations = (
        Evaluation("bits_per_byte", "Bits of a token.", name="lm"),
        Evaluation(RIGHT, "Right next numbers.", name="solve", test="ask", readout="generate",
                   decoding=Decoding(max_new_tokens=2, samples=2)),
    )
    spec = TaskSpec(Tokens(8, 6), NextToken(8), causal=True)

    def rows(self, generator, count):
        start = generator.integers(0, 7, (count, 1))
        tokens = 1 + (start + np.arange(7)) % 7
        inputs = {"tokens": tokens[:, :6], "lengths": np.full(count, 6)}
        return Split(inputs, tokens[:, 1:])

    def splits(self, data, streams):
        lm = self.rows(streams.fixed, 7)
        asked = {"tokens": lm.inputs["tokens"][:, :4], "lengths": np.full(7, 4)}
        asked["text"] = np.array([" ".join(map(str, row)) for row in asked["tokens"]])
        ask = Split(asked, lm.inputs["tokens"][:, 4])
        return Splits(self.rows(streams.train, 64), self.rows(streams.fixed, 20), {"test": lm, "ask": ask})
'''

WRITER = """
from archarena.harness import register_model


@register_model("writer", summary="Counts on, in text.", family="pretrained")
class Writer:
    def __init__(self, device, *, step: int = 1):
        self.step = step

    def generate(self, prompts, *, samples, max_new_tokens, temperature, stop, seed):
        return [[str(1 + (int(prompt.split()[-1]) + self.step - 1) % 7)] * samples for prompt in prompts]
"""


def test_cells_that_generate_are_scored_by_the_tasks_own_metric(tmp_path, toy_task, make_model):
    from archarena.harness.contract.registry import discover
    from archarena.harness.planning.plan import make_plan
    from archarena.harness.records.store import ResultStore
    from archarena.harness.running.executor import Inline
    from archarena.harness.running.run import Run
    from archarena.harness.running.runner import Runner

    task, writer = tmp_path / "count.py", tmp_path / "writer.py"
    task.write_text(TASK)
    writer.write_text(WRITER)
    plugins = [task, writer, toy_task, make_model("good")]
    plan = make_plan(discover(plugins), models=["good", "writer"], tasks=["count", "toy"], tier="smoke", data=tmp_path)
    run = Run(plan, ResultStore(tmp_path / "results"), tmp_path, "cpu", plugins)
    found = {(r.cell.model, r.cell.task): r for r in Runner(run, Inline()).execute().records}
    trained, written, skipped = found["good", "count"], found["writer", "count"], found["writer", "toy"]
    assert trained.scores.keys() == {"count-lm", "count-solve"}, trained.reason
    assert trained.scores["count-solve"].metric == "starts_right"
    assert written.scores.keys() == {"count-solve"}, written.reason
    assert written.scores["count-solve"].value == 1.0
    assert (skipped.status, "only writes text" in skipped.reason) == ("skipped", True)
    arrays = next(keyed.arrays for keyed in run.keyed() if keyed.cell.task.name == "count")
    assert {path.name for path in (arrays / "tests" / "ask").rglob("*.npy")} == {
        "tokens.npy",
        "lengths.npy",
        "text.npy",
    }


def test_a_task_that_generates_holds_the_contract(tmp_path):
    from archarena.harness.check import check_task
    from archarena.harness.contract.scan import scan

    file = tmp_path / "count.py"
    file.write_text(TASK)
    assert [finding for finding in check_task(scan(file)[0]) if finding.status == "failed"] == []
