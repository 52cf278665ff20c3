import pytest
from archarena.leaderboard.pages.site import make_site
from archarena.leaderboard.read.results import read_results
from archarena.leaderboard.table.findings import findings


@pytest.fixture
def sentences(results, task_card):
    """Return a function from records to the findings of their first section, as sentences and links."""

    def find(*records):
        tasks = {record.cell.task: list(record.scores) or [record.cell.task] for record in records}
        cards = [task_card(task, [task]) for task in tasks]
        site = make_site(read_results([results(*records, tasks=cards)]))
        found = findings(site.sections[0], site.scores_of(site.sections[0]))
        texts = ["".join(part.text for part in finding) for finding in found]
        return texts, {part.link for finding in found for part in finding if part.link}

    return find


def runs(make_record, variant, values, task="recall-mqar", **options):
    return [make_record(variant, task, seed, value, **options) for seed, value in enumerate(values)]


def test_the_leader_of_a_task_is_named_with_those_not_shown_to_be_behind(sentences, make_record):
    records = runs(make_record, "mamba", (0.90, 0.93, 0.91)) + runs(make_record, "tcnca", (0.91, 0.90, 0.92))
    texts, links = sentences(*records, *runs(make_record, "mlp", (0.3, 0.31, 0.29)))
    assert texts[0] == "mamba leads recall-mqar (undecided against tcnca)."
    assert {"models/mamba.html", "tasks/recall-mqar.html"} <= links


def test_a_leader_ahead_of_all_says_so_and_leads_several_suites_in_one_sentence(sentences, make_record):
    ahead = [*runs(make_record, "mamba", (0.9, 0.91, 0.92)), *runs(make_record, "mlp", (0.3, 0.31, 0.32))]
    lra = [
        *runs(make_record, "mamba", (0.5, 0.51, 0.52), "lra-listops"),
        *runs(make_record, "mlp", (0.3, 0.31, 0.32), "lra-listops"),
    ]
    texts, _ = sentences(*ahead, *lra)
    assert texts[0] == "mamba leads lra-listops (ahead of all others) and recall-mqar (ahead of all others)."


def test_one_seed_leads_nothing(sentences, make_record):
    texts, _ = sentences(make_record("mamba", value=0.9), make_record("mlp", value=0.3))
    assert texts[0] == "mamba has the best mean on recall-mqar (too few seeds to tell)."


def test_the_cost_of_the_first_row_is_compared_with_the_cheapest(sentences, make_record):
    cost = make_record().cost
    slow = runs(make_record, "mamba", (0.9, 0.91), cost=cost.model_copy(update={"train_seconds": 40.0}))
    fast = runs(make_record, "mlp", (0.3, 0.31), cost=cost.model_copy(update={"train_seconds": 10.0}))
    texts, links = sentences(*slow, *fast)
    assert "mamba, first by mean rank, trains for 40 s per task, 4 times as long as the cheapest, mlp." in texts
    assert "#section-1-costs" in links


def test_unfinished_cells_are_counted_by_status(sentences, make_record):
    texts, links = sentences(make_record("mamba"), make_record("mlp"), make_record("mlp", seed=1, status="timeout"))
    assert "1 of 3 cells did not finish: 1 timeout." in texts
    assert "#section-1-unfinished" in links


def test_what_no_model_learned_is_named(sentences, make_record):
    poor = [*runs(make_record, "mamba", (0.2, 0.2, 0.21)), *runs(make_record, "mlp", (0.1, 0.12, 0.11))]
    texts, _ = sentences(*poor)
    assert "No model beats the reference score on recall-mqar." in texts
    assert not any("leads" in text for text in texts)
