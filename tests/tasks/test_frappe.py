"""The Frappe tasks on small tables in the official formats, with their own checksums."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from archarena.harness import UserError
from archarena.harness.contract.registry import discover
from archarena.harness.data.prepare import streams
from archarena.harness.planning.cell import PlannedTask, Variant
from archarena.harness.planning.plan import make_cell
from archarena.harness.planning.tier import get_tier
from archarena.tasks.frappe import (
    FIELDS,
    FRAPPE,
    FRAPPE_RAW,
    FRAPPE_VT,
    Frappe,
    FrappeRebuilt,
    FrappeVT,
    encode,
    with_negatives,
)
from files.app_use import NAMES, PARTS, clicks, frappe, frappe_raw, log, write, zipped

ROWS = {"train": 300, "valid": 60, "test": 60}


@pytest.fixture(params=NAMES)
def official(request, tmp_path):
    """Return the task on small tables in one of the official formats, and its data folder."""
    task = Frappe(train=200, valid=50, test=60)
    task.dataset = replace(FRAPPE, **frappe(tmp_path, ROWS, form=request.param))
    return task, tmp_path


def test_every_format_gives_the_same_rows(official):
    task, folder = official
    for seed, (part, table) in enumerate(task.tables(folder).items()):
        pd.testing.assert_frame_equal(table, clicks(ROWS[part], seed))


def test_the_published_sum_is_the_md5_of_the_csv_file(tmp_path):
    import hashlib

    table = clicks(20, 0)
    write(tmp_path, "csv", "train", table)
    content = (tmp_path / "frappe" / "train.csv").read_bytes()
    assert FRAPPE.canonical(table)[1] == hashlib.md5(content, usedforsecurity=False).hexdigest()


@pytest.mark.parametrize("form", NAMES)
def test_other_rows_are_not_taken_for_the_official_ones(tmp_path, form):
    write(tmp_path, form, "test", clicks(20, 0))
    write(tmp_path, form, "train", clicks(20, 0))
    write(tmp_path, form, "valid", clicks(20, 0))
    with pytest.raises(UserError, match="is not the train part of the data set 'frappe'"):
        FRAPPE.read(tmp_path, "train")


def test_a_libfm_file_with_ragged_lines_is_refused(tmp_path):
    for part in ROWS:
        write(tmp_path, "libfm", part, clicks(20, 0))
    (tmp_path / "frappe" / "frappe.train.libfm").write_text("1 3:1 4:1\n")
    with pytest.raises(UserError, match=r"frappe\.train\.libfm.*11 entries"):
        FRAPPE.read(tmp_path, "train")


def test_ids_fit_the_spec_and_the_seed_moves_training_alone(official):
    task, folder = official
    one, other = (task.splits(folder, streams("ctr-frappe", "smoke", seed)) for seed in (0, 1))
    cardinalities = np.array(task.spec.inputs.cardinalities)
    for split in (one.train, one.valid, one.tests["test"]):
        ids = split.inputs["ids"]
        assert ids.shape == (len(split), 10, 1)
        assert ids.min() >= 1
        assert (ids.max((0, 2)) < cardinalities).all()
        assert set(split.targets.tolist()) == {0.0, 1.0}
    assert not np.array_equal(one.train.targets, other.train.targets)
    assert np.array_equal(one.valid.targets, other.valid.targets)
    assert np.array_equal(one.tests["test"].targets, other.tests["test"].targets)


def test_logistic_regression_finds_what_one_field_tells(official):
    task, folder = official
    references = task.reference_scores(task.splits(folder, streams("ctr-frappe", "smoke", 0)))
    scores = {(score.evaluation, score.name): score.value for score in references}
    assert scores["", "constant"] == 0.5
    assert scores["", "logistic regression"] > 0.99
    assert scores["log-loss", "logistic regression"] < scores["log-loss", "constant"]


def test_the_vocabulary_is_of_the_training_rows_by_falling_count():
    columns = {field: [5, 7, 7, 9] for field in FIELDS}
    tables = {"train": pd.DataFrame(columns), "test": pd.DataFrame({field: [9, 7, 1] for field in FIELDS})}
    ids = encode(tables, (6,) * len(FIELDS))
    assert ids["train"][:, 0, 0].tolist() == [2, 1, 1, 3]
    assert ids["test"][:, 0, 0].tolist() == [3, 1, 5]


def test_a_full_vocabulary_sends_the_rarest_to_the_last_id():
    tables = {"train": pd.DataFrame({field: [5, 5, 7, 7, 9] for field in FIELDS})}
    assert encode(tables, (4,) * len(FIELDS))["train"][:, 3, 0].tolist() == [1, 1, 2, 2, 3]


@pytest.fixture
def rebuilt(tmp_path):
    """Return the rebuilt task on a small log, and its data folder."""
    task = FrappeRebuilt(train=10_000, valid=10_000, test=10_000)
    task.dataset = replace(FRAPPE_RAW, **frappe_raw(tmp_path, {"log": 400}))
    return task, tmp_path


def test_the_log_is_split_seven_to_two_to_one_with_a_third_positive(rebuilt):
    task, folder = rebuilt
    tables = task.tables(folder)
    assert {part: len(table) for part, table in tables.items()} == {"train": 840, "valid": 240, "test": 120}
    assert sum(table["label"].sum() for table in tables.values()) == 400
    assert pd.concat(tables.values()).index.is_unique


def test_the_draw_never_changes(rebuilt):
    task, folder = rebuilt
    for one, other in zip(task.tables(folder).values(), task.tables(folder).values(), strict=True):
        pd.testing.assert_frame_equal(one, other)


def test_the_plain_file_and_the_archive_are_one_set(rebuilt, tmp_path):
    task, folder = rebuilt
    from_zip = task.dataset.read(folder, "log")
    (folder / "frappe" / "Mobile_Frappe.zip").unlink()
    log().sample(frac=1, random_state=0).to_csv(folder / "frappe" / "frappe.csv", sep="\t", index=False)
    pd.testing.assert_frame_equal(task.dataset.read(folder, "log"), from_zip)


def test_negatives_are_items_the_user_never_used_in_the_same_context():
    table = with_negatives(log(), np.random.default_rng(0))
    used = set(zip(log()["user"], log()["item"], strict=True))
    sampled = table[table["label"] == 0]
    assert len(sampled) == 800
    assert not used & set(zip(sampled["user"], sampled["item"], strict=True))
    context = [field for field in FIELDS if field != "item"]
    for start in (0, 400):
        assert (sampled[context].to_numpy()[start : start + 400] == log()[context].to_numpy()).all()


def test_an_archive_is_read_in_memory_and_writes_nothing_outside(tmp_path):
    home = tmp_path / "data"
    home.mkdir()
    zipped(home, log(), member="../../escaped/frappe.csv")
    data = replace(FRAPPE_RAW, checksums={"log": FRAPPE_RAW.canonical(log())[1]})
    assert len(data.read(home, "log")) == 400
    assert [path.name for path in tmp_path.rglob("*")] == ["data", "frappe", "Mobile_Frappe.zip"]


def test_an_archive_without_the_log_is_told(tmp_path):
    zipped(tmp_path, log().drop(columns="country"))
    with pytest.raises(UserError, match=r"Mobile_Frappe\.zip.*no csv file in the archive has the columns user, item"):
        FRAPPE_RAW.read(tmp_path, "log")


@pytest.fixture
def small(tmp_path):
    """Return ctr-frappe-vt on a small validation and test file, without a training file, and the data folder."""
    task = FrappeVT(train=85, valid=15, test=100)
    task.dataset = replace(FRAPPE_VT, **frappe(tmp_path, {"valid": 100, "test": 100}, form="libfm"))
    return task, tmp_path


def test_the_validation_file_is_cut_in_two_and_the_test_file_is_whole(small):
    task, folder = small
    tables = task.tables(folder)
    assert [len(tables[part]) for part in ("train", "valid", "test")] == [85, 15, 100]
    assert sorted([*tables["train"].index, *tables["valid"].index]) == list(range(100))
    assert tables["valid"].index.tolist() == np.random.default_rng(2021).permutation(100)[:15].tolist()
    pd.testing.assert_frame_equal(tables["test"], clicks(100, PARTS.index("test")))


def test_the_reduced_task_is_trained_by_the_recipes_of_the_whole_one():
    registry, tier = discover(), get_tier("quick")
    entry = registry.find("task", "ctr-frappe-vt")
    reduced = PlannedTask(entry, FrappeVT(**FrappeVT.arguments["quick"]), tier)
    whole = PlannedTask(registry.find("task", "ctr-frappe"), Frappe(**Frappe.arguments["quick"]), tier)
    variant = Variant(registry.find("model", "finalmlp"))
    ours, theirs = (make_cell(variant, task, 0, "published").training for task in (reduced, whole))
    assert (ours.batch, theirs.batch) == (1_024, 4_096)
    assert replace(ours, batch=theirs.batch) == theirs
