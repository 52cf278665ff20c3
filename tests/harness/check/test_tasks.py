"""Broken tasks: each is found by exactly the intended check."""

from typing import ClassVar

import numpy as np
import pytest
from archarena.harness import (
    Binary,
    Budget,
    Classes,
    Evaluation,
    Fields,
    PerPosition,
    ReferenceScore,
    Split,
    Splits,
    Task,
    TaskSpec,
    Tokens,
)
from archarena.harness.check import check_task
from archarena.harness.check.rows import row_keys


class Parity(Task):
    """Whether the first token is even."""

    arguments: ClassVar = {"smoke": {"count": 200}}
    budgets: ClassVar = {"smoke": Budget(10, 8)}
    evaluations = (Evaluation("accuracy", "Share of right rows.", chance=0.5, ceiling=1.0),)

    def __init__(self, count):
        self.count = count

    @property
    def spec(self):
        return TaskSpec(Tokens(50, 8), Classes(2))

    def draw(self, generator, count):
        tokens = generator.integers(1, 50, (count, 8), dtype=np.uint8)
        return Split({"tokens": tokens, "lengths": np.full(count, 8)}, (tokens[:, 0] % 2).astype(np.int64))

    def splits(self, data, streams):
        test = self.draw(streams.fixed, 100)
        return Splits(self.draw(streams.train, self.count), self.draw(streams.fixed, 50), {"test": test})

    def reference_scores(self, splits):
        return [ReferenceScore("", "majority", 0.5)]


def failed(cls, **options):
    """Return the names of the checks that fail."""
    return [finding.name for finding in check_task(cls, **options) if finding.status == "failed"]


def changed(change):
    """Return a task with `change` applied to its splits."""

    class Changed(Parity):
        def splits(self, data, streams):
            return change(super().splits(data, streams), streams)

    return Changed


def test_a_good_task_passes():
    assert {finding.status for finding in check_task(Parity)} == {"ok"}


def with_inputs(split, **arrays):
    return Split({**split.inputs, **arrays}, split.targets, split.groups)


SPEC_FAULTS = {
    "an id beyond the vocabulary": lambda s: with_inputs(s, tokens=s.inputs["tokens"] + 10),
    "real-valued tokens": lambda s: with_inputs(s, tokens=s.inputs["tokens"].astype(np.float32)),
    "rows that are too long": lambda s: with_inputs(s, tokens=np.ones((len(s), 9), int)),
    "no tokens": lambda s: Split({"words": s.inputs["tokens"]}, s.targets),
    "a length of 0": lambda s: with_inputs(s, lengths=np.zeros(len(s), int)),
    "a length beyond the array": lambda s: with_inputs(s, lengths=np.full(len(s), 9)),
    "tokens past the length": lambda s: with_inputs(s, lengths=np.full(len(s), 5)),
    "a class that does not exist": lambda s: Split(s.inputs, s.targets + 1),
    "targets at positions": lambda s: Split(s.inputs, np.zeros((len(s), 8), int)),
    "a missing target": lambda s: Split(s.inputs, s.targets[1:]),
    "a target between classes": lambda s: Split(s.inputs, s.targets * 0.5),
    "groups for other rows": lambda s: Split(s.inputs, s.targets, {"level": np.zeros(3)}),
}


@pytest.mark.parametrize("fault", SPEC_FAULTS)
def test_rows_that_break_the_spec_are_told(fault):
    change = SPEC_FAULTS[fault]
    cls = changed(lambda s, _: Splits(s.train, s.valid, {"test": change(s.tests["test"])}))
    findings = check_task(cls)
    assert [finding.name for finding in findings if finding.status == "failed"] == ["spec"]
    assert "test 'test'" in findings[-1].message


def test_a_field_out_of_range_is_named_with_its_value():
    class Table(Parity):
        spec = TaskSpec(Fields((4, 3)), Classes(2))

        def draw(self, generator, count):
            ids = generator.integers(1, 4, (count, 2, 1))
            return Split({"ids": ids}, ids[:, 0, 0] % 2)

    (failed,) = (finding for finding in check_task(Table) if finding.status == "failed")
    assert failed.message == "train: field 1 of ids contains 3, but the spec allows ids from 0 to 2."


AUTHORS_MISTAKES = {
    "tests that are no dict": (
        lambda s, _: Splits(s.train, s.valid, s.tests["test"]),
        "The tests of Splits must be a dict, such as {'test': split}, found Split.",
    ),
    "a part that is no split": (
        lambda s, _: Splits(s.train, None, s.tests),
        "The parts of Splits must be a Split each, found NoneType.",
    ),
    "a tuple of splits": (lambda s, _: (s.train, s.valid, s.tests), "splits() returned tuple, not Splits"),
}


@pytest.mark.parametrize("mistake", AUTHORS_MISTAKES)
def test_a_mistake_in_splits_is_one_sentence(mistake):
    change, sentence = AUTHORS_MISTAKES[mistake]
    (failed,) = (finding for finding in check_task(changed(change)) if finding.status == "failed")
    assert failed.message == sentence


def test_a_metric_for_other_shapes_is_found_by_check():
    class Wrong(Parity):
        evaluations = (Evaluation("rmse", "An error."),)

    (failed,) = (finding for finding in check_task(Wrong) if finding.status == "failed")
    assert failed.name == "evaluations"
    assert "metric 'rmse' cannot score outputs of shape (100, 2) with targets of shape (100,)" in failed.message


@pytest.mark.parametrize(("name", "says"), [("spec", "the property spec"), ("splits", "splits(data, streams)")])
def test_a_missing_method_is_named(name, says):
    incomplete = type("Incomplete", (Parity,), {name: getattr(Task, name)})
    (failed,) = (finding for finding in check_task(incomplete) if finding.status == "failed")
    assert f"Task Incomplete does not define {says}" in failed.message


def test_repeated_rows_need_a_reason():
    def repeat(s, _):
        return Splits(join(s.train, s.tests["test"], 20), s.valid, s.tests)

    assert failed(changed(repeat)) == ["no leak"]
    declared = type("Declared", (changed(repeat),), {"duplicates": "Customers come back."})
    (skipped,) = (finding for finding in check_task(declared) if finding.status != "ok")
    assert skipped.message == "the task declares duplicates: Customers come back."


SPLIT_FAULTS = {
    "test rows in training": ("no leak", lambda s, _: Splits(join(s.train, s.tests["test"], 1), s.valid, s.tests)),
    "validation rows in training": ("no leak", lambda s, _: Splits(join(s.train, s.valid, 1), s.valid, s.tests)),
    "test rows in validation": ("no leak", lambda s, _: Splits(s.train, join(s.valid, s.tests["test"], 1), s.tests)),
    "rows from a global generator": (
        "deterministic",
        lambda s, _: Splits(Parity(9).draw(np.random.default_rng(), 60), s.valid, s.tests),
    ),
    "a test set that moves with the seed": (
        "deterministic",
        lambda s, streams: Splits(s.train, s.valid, {"test": Parity(9).draw(streams.train, 60)}),
    ),
}


def join(split, other, rows):
    inputs = {name: np.concatenate([array, other.inputs[name][:rows]]) for name, array in split.inputs.items()}
    return Split(inputs, np.concatenate([split.targets, other.targets[:rows]]))


@pytest.mark.parametrize("fault", SPLIT_FAULTS)
def test_a_fault_of_the_splits_is_caught_by_its_point(fault):
    point, change = SPLIT_FAULTS[fault]
    assert failed(changed(change)) == [point]


def test_one_leaked_row_is_found_though_it_is_padded_further():
    def leak(splits, _):
        short = splits.tests["test"].inputs["tokens"].astype(np.int32)
        short[:, 6:] = 0
        test = Split({"tokens": short[:, :6], "lengths": np.full(len(short), 6)}, splits.tests["test"].targets)
        padded = Split({"tokens": short, "lengths": np.full(len(short), 6)}, test.targets)
        return Splits(join(splits.train, padded, 1), splits.valid, {"test": test})

    assert failed(changed(leak)) == ["no leak"]


def test_rows_that_repeat_by_nature_are_no_leak_but_copied_ones_are():
    class Clicks(Parity):
        evaluations = (Evaluation("auc", "Area under the curve.", chance=0.5),)

        @property
        def spec(self):
            return TaskSpec(Fields((40, 60)), Binary())

        def draw(self, generator, count):
            ids = np.stack([generator.integers(1, size, count) for size in (40, 60)], 1)[..., None]
            return Split({"ids": ids}, generator.integers(0, 2, count).astype(np.float32))

    class Copied(Clicks):
        def splits(self, data, streams):
            splits = super().splits(data, streams)
            return Splits(join(splits.train, splits.tests["test"], 60), splits.valid, splits.tests)

    assert failed(Clicks) == []
    assert failed(Copied) == ["no leak"]


EVALUATION_FAULTS = {
    "evaluations": [
        (Evaluation("acuracy", "."),),
        (Evaluation("accuracy", ".", test="tset"),),
        (Evaluation("accuracy", "."), Evaluation("accuracy", ".")),
        (Evaluation("accuracy", ".", slices=("level",)),),
    ],
    "chance": [(Evaluation("accuracy", ".", chance=0.25),), (Evaluation("auc", ".", chance=0.6),)],
}


@pytest.mark.parametrize(("point", "faulty"), [(p, f) for p, faults in EVALUATION_FAULTS.items() for f in faults])
def test_a_wrong_evaluation_is_caught_by_its_point(point, faulty):
    class Wrong(Parity):
        evaluations = faulty

        @property
        def spec(self):
            return TaskSpec(Tokens(50, 8), Binary() if faulty[0].metric == "auc" else Classes(2))

    assert failed(Wrong) == [point]


def test_chance_at_positions_is_over_the_scored_ones():
    class Tagging(Parity):
        evaluations = (Evaluation("position_accuracy", ".", chance=0.25),)

        @property
        def spec(self):
            return TaskSpec(Tokens(50, 8), PerPosition(4), causal=True)

        def draw(self, generator, count):
            tokens = generator.integers(1, 50, (count, 8))
            return Split({"tokens": tokens}, np.where(tokens % 3 == 0, tokens % 4, -100))

    assert failed(Tagging) == []


@pytest.mark.parametrize(
    "score", [ReferenceScore("other", "majority", 0.5), ReferenceScore("", "majority", float("nan"))]
)
def test_a_wrong_reference_score_is_caught(score):
    class Wrong(Parity):
        def reference_scores(self, splits):
            return [score]

    assert failed(Wrong) == ["reference scores"]


def test_an_unknown_tier_and_an_empty_split_are_told():
    assert failed(Parity, tier="full") == ["make"]
    assert failed(changed(lambda s, _: Splits(s.train, s.valid, {"test": Split({}, np.zeros(0))}))) == ["make"]


def test_a_task_whose_data_is_absent_is_skipped_with_the_way_to_bring_it():
    class Absent:
        name = "book"

        def find(self, folder):
            return None

        def missing(self, folder):
            return f"The data set 'book' is not in {folder}."

    class Reading(Parity):
        data_sources = (Absent(),)

    (finding,) = check_task(Reading)
    assert finding.status == "skipped"
    assert "'book'" in finding.message


def test_row_keys_do_not_depend_on_padding_or_dtype():
    narrow = Split({"tokens": np.array([[1, 2], [3, 0]], np.uint8)}, np.zeros(2))
    wide = Split({"tokens": np.array([[1, 2, 0], [3, 0, 0]], np.int64)}, np.zeros(2))
    assert row_keys(narrow).tolist() == row_keys(wide).tolist()
    assert len(set(row_keys(wide).tolist())) == 2
