import math
from fractions import Fraction

import pytest
from archarena.tasks.grading.numeric import same_value, value
from hypothesis import given
from hypothesis import strategies as st


def close(result, number) -> bool:
    return abs(complex(result.number) - number) < 1e-12


@pytest.mark.parametrize(
    ("formula", "number"),
    [
        ("2+3*4", 14),
        (r"2 \cdot 3^2", 18),
        (r"-2^2", -4),
        (r"\frac{1}{2}+\frac13", 5 / 6),
        (r"1\frac{3}{4}", 1.75),
        (r"2\frac{\sqrt{3}}{3}", 2 * math.sqrt(3) / 3),
        (r"\sqrt[3]{-8}", -2),
        (r"6/2(1+2)", 9),
        (r"2^{-3}", 1 / 8),
        (r"\sin 30^\circ", 0.5),
        (r"\cos^2 60^{\circ}", 0.25),
        (r"\log_2 8 + \ln e", 4),
        (r"4! - \binom{4}{2}", 18),
        (r"(1+i)^2", 2j),
    ],
)
def test_a_formula_has_its_value(formula, number):
    result = value(formula)
    assert result is not None
    assert close(result, number)
    assert not result.variables


@pytest.mark.parametrize(
    "text", ["(1,2)", "x<3", r"\{1,2\}", r"\text{even}", "2+", r"\frac{1}{0}", "(" * 250, "9" * 301, r"9^{9^{9^9}}", ""]
)
def test_what_is_no_finite_formula_has_none(text):
    assert value(text) is None


def test_variables_are_named_and_tell_functions_apart():
    one, other = value("x^2-1"), value("(x-1)(x+1)")
    assert one is not None
    assert other is not None
    assert one.variables == other.variables == {"x"}
    assert same_value(one, other)
    assert not same_value(one, value("x^2+1"))
    assert not same_value(one, value("y^2-1"))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("2^{100}", "2^{100}-1"),
        (r"\frac{1}{2^{98}}", "0"),
        (r"\frac{1}{2004!}", r"\frac{1}{2006!}"),
        (r"2^{100}\pi", r"(2^{100}-1)\pi"),
        (r"\frac{\pi}{2^{200}}", "0"),
        ("3^{2007}", "3^{2007}+i"),
        (r"2^{300}\pi", r"2^{300}\pi+1"),
        (r"\binom{100}{50}", r"\binom{100}{50}+1"),
    ],
)
def test_very_large_and_very_small_numbers_differ(one, other):
    assert not same_value(value(one), value(other))
    assert same_value(value(one), value(f"{one}+0"))


@pytest.mark.parametrize(
    "text", [r"\sin\pi", r"\sin^2 1 + \cos^2 1 - 1", r"e^{i\pi}+1", r"\sqrt{18}-3\sqrt{2}", "(x+1)^2-x^2-2x-1"]
)
def test_what_cancels_is_zero(text):
    result = value(text)
    assert same_value(result, value("0")._replace(variables=result.variables))


@given(
    st.recursive(
        st.integers(0, 99).map(str),
        lambda inner: st.tuples(inner, st.sampled_from("+-*"), inner).map("".join),
        max_leaves=8,
    )
)
def test_arithmetic_is_pythons(text):
    result = value(text)
    assert result is not None
    assert result.number == Fraction(eval(text))


@given(st.text(alphabet="\\frac{}()^_!sqrt12+-*/x ", max_size=60))
def test_any_text_gets_an_answer(text):
    value(text)
