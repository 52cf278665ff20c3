"""The served model, with a stub of an OpenAI-compatible server on the loopback interface."""

import json
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
from archarena.harness import UserError
from archarena.models.served import KEY, Served


@pytest.fixture
def server():
    """Serve completions that echo the end of the prompt, and store the requests."""
    asked = []

    class Stub(BaseHTTPRequestHandler):
        def do_POST(self):
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            asked.append((self.path, self.headers.get("Authorization"), body))
            if body["prompt"] == "moved":
                self.send_response(302)
                self.send_header("Location", "/elsewhere")
                self.end_headers()
                return
            choices = [{"index": k, "text": f"{body['prompt'][-1]}{k}"} for k in reversed(range(body["n"]))]
            content = json.dumps({"choices": choices} if body["prompt"] != "broken" else {"error": "no"}).encode()
            self.send_response(200)
            self.end_headers()
            self.wfile.write(content)

        def do_GET(self):
            asked.append((self.path, self.headers.get("Authorization"), None))
            self.send_error(404)

        def log_message(self, *_):
            pass

    with HTTPServer(("127.0.0.1", 0), Stub) as http:
        thread = threading.Thread(target=http.serve_forever, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{http.server_port}/v1", asked
        http.shutdown()


HOW = {"samples": 2, "max_new_tokens": 5, "temperature": 0.6, "stop": "Problem:", "seed": 3}


def test_each_prompt_is_completed_in_the_order_of_its_samples(server, monkeypatch):
    url, asked = server
    monkeypatch.setenv(KEY, "secret")
    assert Served(url=url, name="tiny").generate(["ab", "cd"], **HOW) == [["b0", "b1"], ["d0", "d1"]]
    path, authorization, body = asked[0]
    assert (path, authorization) == ("/v1/completions", "Bearer secret")
    assert body == {
        "model": "tiny", "prompt": "ab", "n": 2, "max_tokens": 5, "temperature": 0.6, "stop": ["Problem:"], "seed": 3
    }  # fmt: skip
    assert asked[1][2]["seed"] != body["seed"]


def test_what_goes_wrong_is_told_in_one_sentence(server):
    with pytest.raises(UserError, match="did not return completions"):
        Served(url=server[0]).generate(["broken"], **HOW)
    with pytest.raises(UserError, match="did not answer"):
        Served(url="http://127.0.0.1:9/v1", timeout=2.0).generate(["ab"], **HOW)
    with pytest.raises(UserError, match="needs an address"):
        Served(url="127.0.0.1")


def test_the_api_key_does_not_follow_a_redirect(server, monkeypatch):
    url, asked = server
    monkeypatch.setenv(KEY, "secret")
    with pytest.raises(UserError, match="status 302 to /elsewhere, which is not followed"):
        Served(url=url).generate(["moved"], **HOW)
    assert [path for path, *_ in asked] == ["/v1/completions"]
