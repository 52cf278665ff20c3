"""Child processes answer lines, and say why they ended."""

import sys

import pytest
from archarena.harness.processes.line_process import LineProcess

ECHO = """
import json, sys, time
for line in sys.stdin:
    question = json.loads(line)
    if question == "end":
        sys.exit("no more")
    time.sleep(60 * (question == "wait"))
    print(json.dumps([question]), flush=True)
"""


@pytest.fixture
def echo():
    process = LineProcess([sys.executable, "-c", ECHO])
    yield process
    process.end()


def test_each_question_gets_its_answer(echo):
    assert [echo.ask(question) for question in (None, "a\n", {"b": 1})] == [[None], ["a\n"], [{"b": 1}]]


def test_an_ended_process_gives_its_last_words(echo):
    for _ in range(2):
        with pytest.raises(ChildProcessError, match="no more"):
            echo.ask("end")


def test_a_late_answer_is_an_error(echo):
    with pytest.raises(TimeoutError, match=r"did not answer in 0\.1 seconds"):
        echo.ask("wait", seconds=0.1)
