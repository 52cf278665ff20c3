"""A model without layers and a task without much training, whose cell shows what the harness itself costs."""

MODEL, TASK = "empty", "empty-task"

PLUGIN = f'''
import numpy as np
from archarena.harness import Budget, Classes, Evaluation, SequenceModel, Split, Splits, Task, TaskSpec, Tokens
from archarena.harness import register_model, register_task


@register_model("{MODEL}", summary="Returns its input.", family="test")
class Empty(SequenceModel):
    fixed_width = 8

    def __init__(self, width):
        super().__init__()

    def forward(self, x, lengths=None):
        return x


def rows(generator, count):
    tokens = generator.integers(1, 9, (count, 8), dtype=np.uint8)
    return Split({{"tokens": tokens, "lengths": np.full(count, 8)}}, (tokens[:, 0] > 4).astype(np.int64))


@register_task("{TASK}", summary="Which half the first token is from.", suites=("empty",))
class EmptyTask(Task):
    arguments = {{"smoke": {{}}}}
    budgets = {{"smoke": Budget(1, 8)}}
    evaluations = (Evaluation("accuracy", "Share of right rows.", chance=0.5, ceiling=1.0),)

    @property
    def spec(self):
        return TaskSpec(Tokens(9, 8), Classes(2))

    def splits(self, data, streams):
        return Splits(rows(streams.train, 64), rows(streams.fixed, 32), {{"test": rows(streams.fixed, 32)}})
'''
