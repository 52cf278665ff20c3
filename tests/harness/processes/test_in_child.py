"""A call in a child process returns a value or raises one clear error, whatever the function does."""

import math
import os
import re
import sys
import time

import pytest
from archarena.harness.errors import UserError
from archarena.harness.processes.in_child import call_in_child

FAILURES = {
    "raises": (math.sqrt, (-1,), "The code raised ValueError: math domain error"),
    "exits": (sys.exit, (0,), r"The code called sys\.exit\(0\)\."),
    "exits at once": (os._exit, (0,), r"The code exited with code 0 before it finished\."),
    "crashes": (os.abort, (), r"The code was killed by signal 6 before it finished\."),
    "hangs": (time.sleep, (600,), r"The code did not finish within 3 s\."),
    "no value": (re.compile, ("x",), r"The code exited with code 1 before it finished\."),
}


def test_the_value_of_a_function_comes_back():
    assert call_in_child("The code", os.path.join, "a", "b") == "a/b"


@pytest.mark.parametrize("failure", FAILURES)
def test_a_failure_is_one_sentence(failure):
    function, arguments, sentence = FAILURES[failure]
    with pytest.raises(UserError, match=f"^{sentence}$"):
        call_in_child("The code", function, *arguments, seconds=3 if failure == "hangs" else None)
