from xml.etree import ElementTree

from archarena.leaderboard.pages.formula import formula
from hypothesis import given
from hypothesis import strategies as st


def test_scripts_apply_to_what_precedes_them():
    found = ElementTree.fromstring(formula("h_t = exp(A) h_{t-1}^2"))
    (row,) = found
    assert [part.tag for part in row] == ["msub", "mo", "mi", "mo", "mi", "mo", "msup"]
    assert "".join(row[6].itertext()) == "ht-12"
    assert [part.tag for part in row[6]] == ["msub", "mn"]


def test_markup_is_text():
    assert "<script>" not in formula("<script>x</script>")


@given(st.text(alphabet="a1_^{}<&+ \u202e") | st.text())
def test_any_text_gives_well_formed_elements(text):
    found = formula("".join(letter for letter in text if letter.isprintable()))
    ElementTree.fromstring(found)
