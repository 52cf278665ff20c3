"""The child process turns whatever happens in a job into an outcome."""

import pytest
from archarena.harness.errors import UserError
from archarena.harness.running import worker

RAISED = {
    "huge message": (ValueError("x" * 10**8), "ValueError: xxx"),
    "many lines": (UserError("first\nsecond"), "first second"),
    "not unicode": (ValueError("\ud800"), "ValueError: ?"),
    "exit": (SystemExit(0), "The code called sys.exit(0)."),
}


@pytest.mark.parametrize("kind", RAISED)
def test_an_exception_becomes_one_short_sentence(kind, monkeypatch, tmp_path, capfd):
    error, reason = RAISED[kind]

    def fail(*_):
        raise error

    monkeypatch.setattr(worker, "_train", fail)
    outcome = worker.do(None, tmp_path)
    assert outcome.status == "crashed"
    assert outcome.reason.startswith(reason)
    assert len(outcome.reason) <= 400
    assert len(capfd.readouterr().err) < 2 * 10**6
    outcome.model_dump_json().encode()
