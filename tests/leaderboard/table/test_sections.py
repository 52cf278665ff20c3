import pytest
from archarena.harness.records.record import SizeInfo
from archarena.leaderboard.pages.site import make_site
from archarena.leaderboard.read.results import read_results


@pytest.fixture
def board(results):
    """Return a function from records to their sections."""

    def make(*records, **cards):
        return make_site(read_results([results(*records, **cards)])).sections

    return make


@pytest.fixture
def three(make_record):
    """Return a function that creates the seeds of a variant in one column."""

    def make(variant, *values, task="recall-mqar", **changes):
        return [make_record(variant, task, seed, value, **changes) for seed, value in enumerate(values)]

    return make


def cells_of(section):
    return {row.variant: row.cells for row in section.rows}


def test_a_cell_is_mean_and_half_interval(board, three):
    (section,) = board(*three("mamba", 0.8, 0.9, 1.0))
    (cell,) = section.rows[0].cells
    assert cell.mean == "90.0"
    assert 24 < float(cell.half_width) < 25, "mostly over seeds, for which Student's t alone gives 24.8"
    assert [seed.text for seed in cell.seeds] == ["80.0", "90.0", "100.0"]
    assert all(seed.page.startswith("runs/") for seed in cell.seeds)


def test_one_seed_has_no_interval_and_is_compared_over_rows(board, make_record):
    (section,) = board(make_record("mamba", value=0.9), make_record("mlp", value=0.1))
    assert not section.has_ties
    assert cells_of(section)["mamba"][0].half_width == ""
    assert cells_of(section)["mamba"][0].standing == "leading"
    assert cells_of(section)["mlp"][0].standing == "behind-here"
    assert cells_of(section)["mlp"][0].doubt == "about 3 more seeds"


def test_standings_go_by_column(board, three):
    (section,) = board(*three("mamba", 0.97, 0.98, 0.99), *three("mlp", 0.03, 0.04, 0.02))
    assert [cell.standing for (cell,) in cells_of(section).values()] == ["best", "behind"]


def test_a_variant_with_a_failed_seed_says_so_and_is_never_best(board, three, make_record):
    failed = make_record("monet", seed=2, status="diverged", reason="not-a-number")
    (section,) = board(*three("mamba", 0.5, 0.6, 0.7), *three("monet", 0.9, 0.95), failed)
    (cell,) = cells_of(section)["monet"]
    assert cell.mean == "92.5"
    assert cell.shortfall == "2 of 3 seeds, 1 diverged"
    assert cell.standing == ""
    assert cells_of(section)["mamba"][0].standing == "leading"


def test_missing_seeds_are_counted(board, three, make_record):
    (section,) = board(*three("mamba", 0.5, 0.6, 0.7), make_record("mlp"))
    assert cells_of(section)["mlp"][0].shortfall == "1 of 3 seeds"


def test_a_model_that_sees_a_window_is_labeled_an_n_gram_baseline(board, make_record):
    record = make_record("mlp").model_copy(update={"lift": "window-as-fields"})
    (section,) = board(record, make_record("mamba"))
    assert [cells_of(section)[name][0].lift for name in ("mlp", "mamba")] == ["n-gram baseline", ""]


def test_failed_and_missing_cells_differ(board, make_record):
    (section,) = board(
        make_record("mamba", status="oom", reason="Used 7 GiB of 6."),
        make_record("mamba", "lra-listops"),
        make_record("mlp", value=0.1),
    )
    listops, mqar = range(2)
    assert [column.name for column in section.columns] == ["lra-listops", "recall-mqar"]
    failure = cells_of(section)["mamba"][mqar].failure
    assert (failure.status, failure.reason) == ("oom", "Used 7 GiB of 6.")
    assert cells_of(section)["mamba"][mqar].mean == ""
    assert cells_of(section)["mlp"][listops].seeds == ()


def test_a_score_that_is_no_number_is_a_failure(board, make_record):
    (section,) = board(make_record(value=None))
    assert cells_of(section)["mamba"][0].failure.status == "no number"


def test_cells_are_counted(board, make_record):
    (section,) = board(
        make_record("mamba", seed=0),
        make_record("mamba", seed=1, status="timeout"),
        make_record("mamba", "lra-listops"),
        make_record("mlp", seed=0),
    )
    assert {row.variant: (row.ok, row.total) for row in section.rows} == {"mamba": (2, 3), "mlp": (1, 1)}
    assert (section.ok, section.total) == (3, 4)
    assert [row["status"] for row in section.unfinished] == ["timeout"]


@pytest.mark.parametrize(
    ("task", "value", "name"),
    [
        ("lra-listops", 0.05, "chance"),
        ("lra-listops", 0.17, "majority"),
        ("lra-listops", 0.171, "majority"),
        ("lra-listops", 0.19, ""),
        ("math-lm", 4.0, "bigram"),
        ("math-lm", 3.8, ""),
        ("ctr-synthetic", 0.6, "logistic regression"),
        ("ctr-synthetic", 0.9, ""),
    ],
)
def test_the_easiest_reference_score_that_is_not_beaten_is_named(board, make_record, task, value, name):
    (section,) = board(make_record(task=task, value=value))
    assert section.rows[0].cells[0].not_beaten == name


def test_reference_scores_are_below_the_models(board, make_record):
    (section,) = board(make_record(), make_record(task="math-lm", value=2.6))
    found = {kind: [[score.name for score in cell] for cell in cells] for kind, cells in section.references.items()}
    assert [column.name for column in section.columns] == ["math-lm", "recall-mqar"]
    assert found == {
        "chance": [[], ["any value"]],
        "baseline": [["bigram"], ["value from the row"]],
        "ceiling": [[], ["ceiling"]],
    }


@pytest.mark.parametrize(
    "changes",
    [
        {"cell": {"tier": "full"}},
        {"cell": {"recipe": "published"}},
        {"parts": {"device": "cuda: H100"}},
        {"parts": {"protocol": 2}},
    ],
)
def test_scores_that_cannot_be_compared_are_never_in_one_table(board, make_record, changes):
    found = board(make_record("mamba"), make_record("mlp"), make_record("monet", **changes))
    assert sorted([row.variant for row in section.rows] for section in found) == [["mamba", "mlp"], ["monet"]]


def test_sections_with_most_cells_come_first_then_large_tiers_and_smoke_last(board, make_record):
    smoke = [make_record(name, cell={"tier": "smoke"}) for name in ("mamba", "mlp", "s4d")]
    quick = [make_record(name) for name in ("mamba", "mlp")]
    found = board(*smoke, *quick, make_record("mlp", cell={"tier": "mine"}), make_record(cell={"tier": "full"}))
    assert [section.tier for section in found] == ["quick", "full", "mine", "smoke"]
    assert [section.is_line for section in found] == [False, True, True, False]


def test_rows_with_few_columns_come_last(board, make_record):
    tasks = ("recall-mqar", "lra-listops", "math-lm")
    records = [make_record("all", task, value=0.3) for task in tasks] + [make_record("few", value=0.9)]
    (section,) = board(*records)
    assert [row.variant for row in section.rows] == ["all", "few"]


def test_columns_in_which_no_row_beats_the_reference_score_are_folded(board, make_record):
    records = [make_record(name, "lra-listops", value=0.1) for name in ("a", "b")] + [
        make_record("a"),
        make_record("b"),
    ]
    (section,) = board(*records)
    assert [column.name for column in section.folded.columns] == ["lra-listops"]
    assert [column.name for column in section.main.columns] == ["recall-mqar"]
    assert [len(row.cells) for row in section.main.rows] == [1, 1]
    (only,) = board(*records[:2])
    assert len(only.main.columns) == 1, "a section in which nothing was learned is shown"


def test_further_views_of_a_column_are_apart(board, make_record, task_card):
    card = task_card("math", ["math-lm", "math-choice"])
    card["evaluations"][1]["companion_of"] = "math-lm"
    (section,) = board(make_record(task="math", value={"math-lm": 2.0, "math-choice": 0.9}), tasks=[card])
    assert [column.name for column in section.main.columns] == ["math-lm"]
    assert [column.name for column in section.companions.columns] == ["math-choice"]


def test_a_column_whose_leader_still_improved_is_titled_by_steps_and_enters_no_average(board, make_record, task_card):
    def rising(record, slope):
        for attempt in record.attempts:
            attempt.curve = [
                point.model_copy(update={"step": 70 * i, "valid": 0.3 + slope * i})
                for i, point in enumerate([attempt.curve[0]] * 40)
            ]
        return record

    tasks = ("lra-listops", "lra-text")
    scores = [("chance", "chance", 0.1), ("ceiling", "ceiling", 1.0)]
    cards = [task_card(task, [task]) for task in tasks]
    for task, card in zip(tasks, cards, strict=True):
        card["reference_scores"] = [{"column": task, "name": n, "kind": k, "value": v} for n, k, v in scores]
    for slope, title, averages in ((0.01, "lra-listops, score after 700 steps", 0), (0.0, "lra-listops", 1)):
        records = [rising(make_record("mamba", "lra-listops"), slope), rising(make_record("mamba", "lra-text"), 0.0)]
        (section,) = board(*records, tasks=cards)
        (column,) = [column for column in section.columns if column.name == "lra-listops"]
        assert column.title == title
        assert column.cells["mamba"].finish == ("improving" if slope else "stalled")
        assert sum(column.is_average for column in section.columns) == averages


def test_rows_are_colored_by_family(board, make_record, model_card):
    families = {"mamba": "state space", "s4": "state space", "mlp": "baseline"}
    cards = [model_card(name, family=family) for name, family in families.items()]
    (section,) = board(*(make_record(name) for name in [*families, "mamba[d_state=8]"]), models=cards)
    colors = {row.variant: row.color for row in section.rows}
    assert colors == {"mlp": "family-0"} | dict.fromkeys(["mamba", "mamba[d_state=8]", "s4"], "family-1")


def test_columns_are_grouped_by_suite_and_keep_the_order_of_their_task(board, make_record, task_card):
    scores = {"math-lm": 2.6, "math-choice": 0.4}
    records = [make_record(task="math", value=scores), make_record(task="digits"), make_record(task="recall-mqar")]
    cards = [
        task_card("math", ["math-lm", "math-choice"]),
        task_card("digits", ["digits"], suites=["quick"]),
        task_card("recall-mqar", ["recall-mqar"]),
    ]
    (section,) = board(*records, tasks=cards)
    assert [column.name for column in section.columns] == ["math-lm", "math-choice", "recall-mqar", "digits"]
    assert section.groups == [("math", 2), ("recall", 1), ("other tasks", 1)]


def test_two_tasks_may_have_columns_of_the_same_name(board, make_record):
    records = [make_record(task="one", value={"same": 0.1}), make_record(task="two", value={"same": 0.9})]
    (section,) = board(*records, tasks=[])
    assert [cell.mean for cell in section.rows[0].cells] == ["0.100", "0.900"]


def test_lifts_are_named(board, make_record):
    (section,) = board(make_record("finalmlp", lift="window of 8"), make_record("finalmlp", "lra-listops"))
    assert section.rows[0].lifts == (("window of 8", ("recall-mqar",)),)


def test_costs_are_medians_over_tasks(board, make_record):
    records = [make_record(task=task) for task in ("recall-mqar", "lra-listops", "math-lm")]
    for record, seconds in zip(records, (10.0, 20.0, 90.0), strict=True):
        record.cost.train_seconds = seconds
    failed = make_record(task="digits", status="crashed")
    costs = board(*records, failed)[0].costs
    found = dict(zip(costs.names, costs.rows[0].values, strict=True))
    assert (found["training time"], found["peak memory"], found["body parameters"]) == ("20 s", "410 MiB", "63.3 k")
    assert "energy" not in found, "costs that were never measured have no column"
    assert costs.rows[0].tasks == "3 of 4"


def test_rows_are_sorted_by_mean_rank_over_tasks(board, make_record, task_card):
    records = [make_record(name, task, value=value) for task, values in
               {"recall-mqar": {"a": 0.9, "b": 0.5, "c": 0.1}, "math-lm": {"a": 3.0, "b": 2.0, "c": 2.5}}.items()
               for name, value in values.items()]  # fmt: skip
    failed = make_record("d", status="oom")
    (section,) = board(*records, failed)
    assert [row.variant for row in section.rows] == ["b", "a", "c", "d"]


def test_a_row_counts_where_it_is_best_or_tied(board, three):
    (section,) = board(*three("mamba", 0.97, 0.98, 0.99), *three("mlp", 0.03, 0.04, 0.02))
    assert {row.variant: row.ahead for row in section.rows} == {"mamba": 1, "mlp": 0}


def test_a_mean_whose_interval_includes_chance_is_no_better_than_chance(board, three):
    task = "lra-listops"
    (section,) = board(*three("noisy", 0.1, 0.9, 0.5, task=task), *three("sure", 0.5, 0.5, 0.6, task=task))
    not_beaten = {variant: cell.not_beaten for variant, (cell,) in cells_of(section).items()}
    assert not_beaten == {"noisy": "chance", "sure": ""}


def test_smoke_scores_have_no_marks_ranks_or_ties(board, three):
    smoke = {"cell": {"tier": "smoke"}, "task": "lra-listops"}
    (section,) = board(*three("b", 0.9, 0.91, 0.92, **smoke), *three("a", 0.05, 0.06, 0.07, **smoke))
    assert [row.variant for row in section.rows] == ["a", "b"]
    assert {(cell.standing, cell.not_beaten) for row in section.rows for cell in row.cells} == {("", "")}
    assert not section.compares
    assert not section.has_ties
    assert {row.ahead for row in section.rows} == {0}
    assert section.columns[0].comparisons is None


@pytest.fixture
def sized():
    """Return a function that creates the size of a body with this deviation from the tier's 64,000 parameters."""

    def size(deviation, fixed=False):
        body = round(64_000 * (1 + deviation))
        counts = {"target_parameters": 64_000, "body_parameters": body, "total_parameters": body}
        return SizeInfo(width=1, depth=2, deviation=deviation, fixed=fixed, **counts)

    return size


@pytest.mark.parametrize(("deviation", "fixed"), [(0.0, True), (31.96, False)])
def test_fixed_sizes_have_a_section_of_their_own_without_comparisons(
    board, three, make_record, sized, deviation, fixed
):
    tasks = ("lra-listops", "recall-mqar")
    own = [record for task in tasks for record in three("own", 0.9, 0.9, 0.9, task=task, size=sized(deviation, fixed))]
    crashed = make_record("own", "ctr-synthetic", status="crashed", size=None)
    others = [record for task in tasks for record in three("mamba", 0.5, 0.6, 0.7, task=task)]
    fitted, apart = board(*own, crashed, *others)
    assert ([row.variant for row in fitted.rows], [row.variant for row in apart.rows]) == (["mamba"], ["own"])
    assert (fitted.sizing, apart.sizing) == ("fitted", "fixed")
    assert {cell.standing for cell in apart.rows[0].cells} == {""}
    assert not any(column.is_average for column in apart.columns)
    assert (apart.total, fitted.total) == (7, 6)


def test_every_variant_has_its_parameters(board, make_record, sized):
    (section,) = board(make_record("mamba"), make_record("mamba", "lra-listops", size=sized(0.02)), make_record("mlp"))
    assert {row.variant: row.parameters for row in section.rows} == {"mamba": "63.3 k to 65.3 k", "mlp": "63.3 k"}


def test_cells_of_an_older_source_are_marked_and_enter_no_average_rank_or_tie(board, three, task_card):
    old = {"parts": {"model_source": "old"}, "attempts": []}
    new = {"parts": {"model_source": "new"}, "started": "2026-02-01T00:00:00+00:00", "attempts": []}
    tasks = ("lra-listops", "lra-text")
    scores = [("chance", "chance", 0.1), ("ceiling", "ceiling", 1.0)]
    cards = [task_card(task, [task]) for task in tasks]
    for task, card in zip(tasks, cards, strict=True):
        card["reference_scores"] = [
            {"column": task, "name": n, "kind": k, "value": v, "summary": ""} for n, k, v in scores
        ]
    (section,) = board(
        *three("mamba", 0.9, 0.91, 0.92, task="lra-listops", **old),
        *three("mamba", 0.5, 0.51, 0.52, task="lra-text", **new),
        *(record for task in tasks for record in three("mlp", 0.7, 0.71, 0.72, task=task, **old)),
        tasks=cards,
    )
    names = [column.name for column in section.columns]
    mamba, mlp = (dict(zip(names, cells_of(section)[variant], strict=True)) for variant in ("mamba", "mlp"))
    assert [name for name in names if mamba[name].stale] == ["lra-listops"]
    assert not any(cell.stale for cell in mlp.values())
    assert (mamba["lra-listops"].mean, mamba["lra-listops"].standing) == ("91.0", "")
    assert mlp["lra-listops"].standing == "leading", "there is no other row that is not stale"
    assert mamba["lra average"].value is None
    assert mlp["lra average"].value is not None
    assert [row.variant for row in section.rows] == ["mlp", "mamba"]
