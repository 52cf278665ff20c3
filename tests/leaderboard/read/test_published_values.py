"""Published values: their format, averages, and protocols."""

import json

import pytest
from archarena.leaderboard.read.published_values import read_published
from archarena.leaderboard.table.averages import read_averages
from pydantic import ValidationError

VALUES = read_published()


def value(variant: str, column: str) -> float | None:
    (found,) = {found.value for found in VALUES if (found.variant, found.column) == (variant, column)}
    return found


def test_every_value_has_a_citation_and_a_protocol():
    assert {result.column.split("-")[0] for result in VALUES} == {"lra", "recall", "math", "ctr", "enwik8"}
    for result in VALUES:
        assert result.citation
        assert result.protocol.endswith(".")
        assert not result.caveat or result.caveat.endswith(".")


def test_no_citation_has_two_values_for_one_cell():
    cells = [(result.variant, result.column, result.citation, result.protocol) for result in VALUES]
    assert len(set(cells)) == len(cells)


def test_scores_are_fractions():
    fractions = [r for r in VALUES if r.value is not None and r.column.startswith(("lra", "math", "ctr"))]
    assert len(fractions) > 400
    assert all(0 < result.value < 1 for result in fractions)


@pytest.mark.parametrize(
    ("variant", "column", "expected"),
    [
        ("MEGA", "lra-average-6", 0.8821),
        ("Mamba", "lra-pathx", 0.6732),
        ("Mamba", "recall-induction-4096x", 1.0),
        ("Random linear CDE, 256 hidden, least squares", "recall-signature-area", 2.1e-4),
        ("FinalMLP", "ctr-criteo-x4", 0.814584),
        ("Transformer", "lra-pathx", None),
    ],
)
def test_some_values_by_hand(variant, column, expected):
    assert value(variant, column) == expected


@pytest.mark.parametrize("average", read_averages(), ids=lambda average: average.column)
def test_published_averages_are_the_means_of_their_rows(average):
    rows = {(r.citation, r.variant): {} for r in VALUES if r.column == average.column and r.value is not None}
    for result in VALUES:
        if (result.citation, result.variant) in rows:
            rows[result.citation, result.variant][result.column] = result.value
    for scores in (scores for scores in rows.values() if scores.keys() >= set(average.columns)):
        assert average.of(scores) == pytest.approx(scores[average.column], abs=0.0003)
        assert None not in (scores[column] for column in average.columns)


def test_a_failed_path_x_counts_as_chance_only_in_the_average_of_six():
    five, six = read_averages()[:2]
    scores = dict.fromkeys(five.columns, 0.8) | {"lra-pathx": None}
    assert five.of(scores) == pytest.approx(0.8)
    assert six.of(scores) == pytest.approx(0.75)
    assert six.of(dict.fromkeys(five.columns, 0.8)) is None
    assert five.of(scores | {"lra-text": None}) is None


TABLE = {"citation": "A paper.", "protocol": "Some.", "columns": ["task"], "rows": {"model": [0.5]}}


@pytest.mark.parametrize(
    "change",
    [{"rows": {"model": [0.5, 0.6]}}, {"protocol": ""}, {"notes": {"other": "."}}, {"unit": "%"}, {"rows": {}}],
    ids=["entries", "protocol", "notes", "unknown field", "no rows"],
)
def test_a_wrong_table_is_refused(tmp_path, change):
    (tmp_path / "suite.json").write_text(json.dumps({"tables": [TABLE | change]}))
    with pytest.raises(ValidationError):
        read_published(tmp_path)
