import pytest
from archarena.leaderboard.formats import (
    ScoreFormat,
    duration,
    energy,
    memory,
    paper_address,
    plain,
    quantity,
    visible,
)
from markupsafe import Markup


@pytest.mark.parametrize(
    ("metric", "unit", "value", "text"),
    [
        ("accuracy", "fraction", 0.97349, "97.3"),
        ("accuracy", "fraction", 1.0, "100.0"),
        ("auc", "", 0.81234, "0.8123"),
        ("bits_per_byte", "bits", 2.60049, "2.600"),
        ("rmse", "", 0.000179, "0.00018"),
        ("accuracy", "fraction", None, "–"),
        ("accuracy", "fraction", float("nan"), "–"),
    ],
)
def test_digits_suit_the_metric(metric, unit, value, text):
    assert ScoreFormat(metric, unit)(value) == text


@pytest.mark.parametrize(
    ("paper", "address"),
    [
        ("arXiv:2312.00752", "https://arxiv.org/abs/2312.00752"),
        ("doi:10.1109/ICDM.2010.127", "https://doi.org/10.1109/ICDM.2010.127"),
        ("arXiv:2312.00752' onclick='", ""),
        ("javascript:alert(1)", ""),
        ("A paper of 1990", ""),
    ],
)
def test_a_paper_is_linked_by_its_number_and_nothing_else_is(paper, address):
    assert paper_address(paper) == address


def test_label_says_the_unit():
    assert ScoreFormat("choice_accuracy", "fraction").label == "choice accuracy, %"
    assert ScoreFormat("auc", "").label == "AUC"
    assert ScoreFormat("bits_per_byte", "bits").label == "bits per byte"


@pytest.mark.parametrize(
    ("write", "value", "text"),
    [
        (duration, 0.0123, "12.3 ms"),
        (duration, 19.0, "19 s"),
        (duration, 600.0, "10.0 min"),
        (duration, 36_000.0, "10.0 h"),
        (duration, None, "–"),
        (quantity, 800, "800"),
        (quantity, 63_312, "63.3 k"),
        (quantity, 999_900, "1 M"),
        (quantity, 2_533_920, "2.53 M"),
        (quantity, float("nan"), "–"),
        (memory, 410 * 2**20, "410 MiB"),
        (memory, 512, "512 B"),
        (energy, 1250.0, "1.25 kJ"),
        (energy, 12.34, "12.3 J"),
        (energy, None, "–"),
    ],
)
def test_sizes_and_times_have_three_digits_and_a_unit(write, value, text):
    assert write(value) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [(None, "–"), ("", "–"), (True, "yes"), (0, "0"), (0.1234567, "0.123457"), ({"a": [1, 2]}, "a 1, 2"), ("x", "x")],
)
def test_any_value_of_a_record_is_one_line(value, text):
    assert plain(value) == text


def test_invisible_characters_are_spelled_out():
    assert visible("a\u202eb\x1b[31m\u200b") == "a\\u202eb\\u001b[31m\\u200b"
    assert visible("Größe µ\n\tzwei") == "Größe µ\n\tzwei"


def test_markup_and_numbers_pass_through():
    assert visible(Markup("<b>")) == Markup("<b>")
    assert visible(3) == 3
