"""Names that become parts of file names contain no path."""

import numpy as np
import pytest
from archarena.harness.contract.evaluation import Evaluation
from archarena.harness.contract.names import check_name
from archarena.harness.contract.scan import scan
from archarena.harness.contract.task import Split, Splits
from archarena.harness.errors import UserError

WRONG = ["../x", "a/b", "..", ".hidden", "-x", "a b", "x\n", "\x1b[31m", "a\u202eb", "é", "a" * 101, ["a"], 5, None]


@pytest.mark.parametrize("name", [*WRONG, "", "a" * 10**7])
def test_a_name_that_could_be_a_path_or_look_like_another_is_refused(name):
    with pytest.raises(UserError, match="must have 1 to 100 letters") as error:
        check_name("task", name)
    assert len(str(error.value)) < 250
    assert str(error.value).isprintable()


@pytest.mark.parametrize("name", ["lra-text", "s4d", "x_1.5", "a" * 100])
def test_an_ordinary_name_is_accepted(name):
    assert check_name("task", name) == name


@pytest.mark.parametrize("name", WRONG)
def test_every_name_that_a_plugin_gives_is_checked(tmp_path, name):
    array = np.zeros(1)
    makers = [
        lambda: Evaluation("accuracy", "", name=name),
        lambda: Evaluation("accuracy", "", test=name),
        lambda: Split({name: array} if isinstance(name, str) else {"x": array, str(name) + "/": array}, array),
        lambda: Splits(None, None, {str(name) + "/": None}),
        lambda: scan(plugin(tmp_path, f"{name!r}, summary='s'")),
    ]
    for make in makers:
        with pytest.raises(UserError, match="must have 1 to 100 letters"):
            make()


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ("'x', summary=5", "summary of class X must be text"),
        ("'x', summary='s', suites='quick'", "suites of class X must be a tuple of names"),
        ("'x', summary='s', on_request='no'", "on_request of class X must be True or False"),
        (f"'x', summary='{'s' * 10_000}'", "has more than 2,000 characters"),
    ],
)
def test_a_declared_value_of_another_type_is_refused(tmp_path, arguments, says):
    with pytest.raises(ValueError, match=says):
        scan(plugin(tmp_path, arguments))


def plugin(folder, arguments):
    """Return a file that registers a class with these arguments of the decorator."""
    path = folder / "plugin.py"
    path.write_text(f"@register_model({arguments})\nclass X: pass\n", encoding="utf-8")
    return path
