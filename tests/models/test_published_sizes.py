"""Click-through models at their published sizes have the published numbers of parameters.

Cardinalities count padding and unknown values, as FuxiCTR 2.x does and BARS logs them. Runs logged
with FuxiCTR 1.x had one row less in each table.
"""

from pathlib import Path

import pytest
import torch
from archarena.harness import Binary, Fields, Size, TaskSpec, build
from archarena.harness.contract.registry import discover
from archarena.harness.planning.model_card import load_card

FRAPPE = (956, 4084, 9, 9, 4, 5, 4, 11, 82, 235)
MOVIELENS = (16_977, 23_606, 49_659)
CRITEO = (
    *(1462, 560, 413_424, 248_543, 307, 23, 12_192, 635, 5, 54_712, 5350, 409_749, 3182),
    *(29, 12_500, 365_811, 12, 4934, 2096, 6, 397_981, 20, 17, 88_608, 98, 64_073),
)
AVAZU = (
    *(9, 9, 3480, 4271, 26, 4864, 305, 33, 228_186, 1_048_285, 6515),
    *(6, 6, 1940, 10, 11, 349, 6, 61, 171, 52, 26),
)
FIELDS = {
    "ctr-frappe": Fields(FRAPPE),
    "ctr-movielens": Fields(MOVIELENS),
    "ctr-criteo-x1": Fields(CRITEO, n_dense=13),
    "ctr-avazu-x1": Fields(AVAZU),
}
OLDER = {name: Fields(tuple(count - 1 for count in fields.cardinalities)) for name, fields in FIELDS.items()}


def published_size(name: str, task: str, fields: Fields) -> int:
    """Return the number of parameters of a model built as its card describes."""
    entry = discover().find("model", name)
    setting = load_card(name, Path(entry.file)).published[task]
    with torch.device("meta"):
        model = build(
            entry.load(), TaskSpec(fields, Binary()), Size(setting.width, setting.depth), **setting.hyperparameters
        )
    return sum(parameter.numel() for parameter in model.parameters())


@pytest.mark.parametrize(
    ("name", "frappe", "movielens"),
    [
        ("lr", 5_390, 90_240),
        ("fm", 59_280, 992_630),
        ("dnn", 417_891, 1_238_391),
        ("deepfm", 423_280, 1_328_630),
        ("dcn", 418_591, 1_238_661),
        ("dcnv2", 458_391, 1_243_071),
    ],
)
def test_sizes_logged_with_fuxictr_1(name, frappe, movielens):
    assert published_size(name, "ctr-frappe", OLDER["ctr-frappe"]) == frappe
    assert published_size(name, "ctr-movielens", OLDER["ctr-movielens"]) == movielens


@pytest.mark.parametrize(
    ("name", "sizes"),
    [
        ("dualmlp", (972_992, 1_252_022, 21_823_422, 13_487_812)),
        ("finalmlp", (253_392, 1_040_902, 22_478_162, 13_979_472)),
        ("finalnet", (338_502, 1_106_234, 21_658_582, 14_163_518)),
    ],
)
def test_sizes_logged_with_fuxictr_2(name, sizes):
    assert tuple(published_size(name, task, fields) for task, fields in FIELDS.items()) == sizes


@pytest.mark.parametrize(("task", "logged"), [("ctr-frappe", 781_892), ("ctr-movielens", 1_574_392)])
def test_the_logged_size_of_the_dnn_counts_its_perceptron_twice(task, logged):
    tables = 10 * sum(OLDER[task].cardinalities)
    assert 2 * published_size("dnn", task, OLDER[task]) - tables == logged
