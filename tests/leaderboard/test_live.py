"""The board that `archarena run --board` serves."""

import http.client

import pytest
from archarena.harness.errors import UserError
from archarena.leaderboard import live


@pytest.fixture
def served(tmp_path, monkeypatch):
    """Return a served board that builds only when asked, and a function that gets a path."""
    monkeypatch.setattr(live.LiveBoard, "_watch", lambda self: None)
    with live.LiveBoard(tmp_path / "results", 0) as board:

        def get(path, host=None):
            connection = http.client.HTTPConnection(*board._server.server_address, timeout=20)
            connection.request("GET", path, headers={"Host": host} if host else {})
            answer = connection.getresponse()
            text = answer.read().decode()
            connection.close()
            return answer.status, text

        yield board, get


def test_the_board_waits_for_the_first_record_and_then_shows_it(served, results, make_record):
    board, get = served
    assert "No cell has ended yet" in get("/")[1]
    results(make_record())
    assert get("/live-version.js") == (200, "archarenaVersion(0);\n")
    board.build()
    status, text = get("/")
    assert status == 200
    assert "<h1>Leaderboard</h1>" in text
    assert '<script defer src="/live.js"></script></head>' in text
    assert get("/live-version.js") == (200, "archarenaVersion(1);\n")
    assert get("/tasks/recall-mqar.html")[0] == get("/assets/board.css")[0] == 200


def test_records_that_cannot_be_shown_leave_the_board_as_it_is(served, results, make_record):
    board, get = served
    folder = results(make_record())
    board.build()
    next((folder / "records").glob("*/*.json")).write_text("{")
    board.build()
    assert "<h1>Leaderboard</h1>" in get("/")[1]


@pytest.mark.parametrize("path", ["/../../etc/passwd", "/%2e%2e/%2e%2e/etc/passwd", "/none.html", "/none.css"])
def test_only_files_of_the_site_are_served(served, path):
    assert served[1](path)[0] == 404


def test_another_host_name_is_refused(served):
    assert served[1]("/", host="evil.example:80")[0] == 403


def test_a_port_in_use_is_one_sentence(served, tmp_path):
    port = served[0]._server.server_address[1]
    with pytest.raises(UserError, match=f"cannot be served on port {port}"):
        live.LiveBoard(tmp_path, port)


def test_a_changed_record_is_noticed(results, make_record):
    folder = results(make_record())
    before = live._state(folder)
    results(make_record(seed=1))
    assert len(before) == 1
    assert live._state(folder).keys() > before.keys()
