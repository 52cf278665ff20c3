import pytest
from archarena.harness.records.samples import SampleCard, SampleRow
from archarena.leaderboard.pages.sample_rows import picture
from archarena.leaderboard.pages.samples import answer_of, sample_views
from archarena.leaderboard.pages.site import make_site
from archarena.leaderboard.read.results import read_results


def drawn(shown_as, names=(), target=0, positions=(), **inputs):
    row = SampleRow(row=0, inputs=inputs, target=target, positions=list(positions), first=0)
    card = SampleCard(task="t", tier="quick", shown_as=shown_as, names=list(names), predictions="p", rows=[row])
    return picture(card, row)


def test_a_queried_token_its_first_place_and_its_answer_share_a_color():
    found = drawn("tokens", tokens=[7, 40, 8, 41, 0, 8, 0, 7, 0, 0], positions=[5, 7], target=[41, 40])
    assert [chip.hue for chip in found.chips] == [1, 1, 0, 0, None, 0, None, 1]
    assert [chip.asked for chip in found.chips] == [False] * 5 + [True, False, True]
    assert found.chips[4].text == "·", "padding after the last question is not shown"


def test_an_expression_is_a_tree_with_operators_above_their_arguments():
    names = ("<pad>", *"0123456789", "[MIN", "[MAX", "[MED", "[SM", "]")
    tokens = [names.index(word) for word in ["[MAX", "4", "[MIN", "3", "2", "]", "]"]]
    nodes = {node.text: node for node in drawn("tree", names, tokens=[*tokens, 0, 0], lengths=len(tokens)).nodes}
    assert nodes["MAX"].y < nodes["4"].y == nodes["MIN"].y < nodes["3"].y == nodes["2"].y
    assert nodes["4"].x < nodes["3"].x < nodes["2"].x
    assert nodes["MIN"].x == (nodes["3"].x + nodes["2"].x) / 2


def test_pixels_are_runs_of_one_gray():
    found = drawn("pixels", values=[[0.0], [1.0], [1.0], [1.0]])
    assert found.paths == ((8, "M1 0h1v1h-1zM0 1h2v1h-2z"),)
    assert (found.width, found.height) == (2, 2)


def test_fields_and_problems_and_texts():
    assert drawn("fields", ids=[[3], [0]], dense=[0.5]).fields == (
        ("field 1", "3"),
        ("field 2", ""),
        ("number 1", "0.5"),
    )
    assert drawn("problem", tokens=[byte + 1 for byte in b"12+x"]).text == "12+x"
    assert drawn("text", tokens=[byte + 1 for byte in b"a<b"] + [0]).text == "a<b"


@pytest.mark.parametrize("inputs", [{"tokens": "x"}, {"tokens": [{}]}, {}, {"tokens": [3], "lengths": "x"}])
@pytest.mark.parametrize("shown_as", ["tokens", "tree", "pixels", "fields", "problem", "text", "unknown"])
def test_a_row_that_does_not_fit_its_kind_is_still_shown(shown_as, inputs):
    assert drawn(shown_as, **inputs).kind


@pytest.fixture
def views(results, task_card):
    """Return a function from records to the samples of their task with two rows of classes."""

    def view(*records):
        spec = {"outputs": {"kind": "Classes", "n": 10}}
        folder = results(*records, tasks=[task_card("recall-mqar", ["recall-mqar"], spec=spec)])
        rows = [SampleRow(row=row, inputs={"tokens": [row]}, target=row, first=row) for row in range(2)]
        card = SampleCard(task="recall-mqar", tier="quick", shown_as="tokens", predictions="p", rows=rows)
        from archarena.harness.records.store import ResultStore

        ResultStore(folder).write_card(card)
        return sample_views("recall-mqar", make_site(read_results([folder])))[1]

    return view


def test_rows_on_which_models_disagree_come_first_with_the_most_frequent_answer_of_each(views, make_record):
    answers = {"mamba": ([0, 1], [0, 1], [0, 3]), "mlp": ([0, 4], [0, 4], [0, 1])}
    records = [make_record(name, seed=s, sampled=own) for name, runs in answers.items() for s, own in enumerate(runs)]
    first, second = views(*records)
    assert (first.row, second.row) == (1, 0)
    found = {answer.variant: answer for answer in first.answers}
    assert (found["mamba"].parts, found["mamba"].agreed, found["mamba"].runs) == ((("1", True),), 2, 3)
    assert (found["mlp"].parts, found["mlp"].right) == ((("4", False),), False)


def test_probabilities_on_the_same_side_are_the_same_choice():
    row = SampleRow(row=0, inputs={}, target=1.0, first=0)
    low, high = (answer_of("m", "", found, row, "Binary") for found in ([0.6, 0.7, 0.4], [0.9, 0.9, 0.8]))
    assert low.choice == high.choice
    assert (low.parts, low.agreed) == ((("0.57", True),), 2)


def test_a_task_without_answers_shows_no_rows(results, make_record, task_card):
    site = make_site(read_results([results(make_record())]))
    assert sample_views("recall-mqar", site) is None
