"""The suites that are selections of tasks: the battery `quick` and the demo."""

from archarena.harness.contract.registry import discover

REGISTRY = discover()


def members(suite: str) -> set[str]:
    return {entry.name for entry in REGISTRY.suite(suite)}


def test_the_demo_is_a_part_of_the_battery_with_tasks_of_all_four_suites():
    assert members("demo") < members("quick")
    suites = {suite for entry in REGISTRY.suite("demo") for suite in entry.declared["suites"]}
    assert suites >= {"recall", "lra", "math", "ctr"}


def test_all_four_suites_are_in_the_demo_without_external_data():
    own = [entry for entry in REGISTRY.suite("demo") if not entry.declared.get("needs")]
    assert {suite for entry in own for suite in entry.declared["suites"]} >= {"recall", "lra", "math", "ctr"}
