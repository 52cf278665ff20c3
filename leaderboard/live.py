"""The board of a running run: a server on this machine that builds the site again when records appear."""

from __future__ import annotations

import threading
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from ..harness.errors import UserError
from .build import build_board

HOST = "127.0.0.1"
POLL_SECONDS = 2.0
WAITING = (
    '<!doctype html><html lang="en"><head><meta charset="utf-8"><title>archarena</title></head>'
    "<body><p>No cell has ended yet. This page shows the leaderboard as soon as one has.</p></body></html>"
)
SCRIPT = """"use strict";
{
  let seen = null;
  window.archarenaVersion = (version) => {
    if (seen !== null && version !== seen) location.reload();
    seen = version;
  };
  const ask = () => {
    const script = document.createElement("script");
    script.src = `/live-version.js?${Date.now()}`;
    script.onload = script.onerror = () => script.remove();
    document.head.append(script);
  };
  ask();
  setInterval(ask, 2000);
}
"""
"""Asks for the version of the site with script elements, which the pages' security policy allows, unlike requests."""


class LiveBoard:
    """Serves the board of a results folder while it is used as a context manager.

    Attributes
    ----------
    address
        URL of the board.
    version
        Number of builds so far.

    Raises
    ------
    UserError
        If the port cannot be used.
    """

    def __init__(self, results: Path, port: int):
        self.results, self.version = results, 0
        self._folder = TemporaryDirectory(prefix="archarena-board-")
        self.site = Path(self._folder.name)
        try:
            self._server = ThreadingHTTPServer((HOST, port), partial(_Handler, self))
        except OSError as error:
            self._folder.cleanup()
            raise UserError(f"The board cannot be served on port {port}: {error.strerror or error}.") from error
        self.address = f"http://{HOST}:{self._server.server_address[1]}/"
        self._stopped = threading.Event()
        self._threads = [
            threading.Thread(target=self._server.serve_forever, daemon=True),
            threading.Thread(target=self._watch, daemon=True),
        ]

    def __enter__(self) -> LiveBoard:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopped.set()
        self._server.shutdown()
        for thread in self._threads:
            thread.join()
        self._server.server_close()
        self._folder.cleanup()

    def _watch(self) -> None:
        built = None
        while not self._stopped.wait(POLL_SECONDS if built else 0.2):
            found = _state(self.results)
            if found and found != built:
                built = found
                self.build()

    def build(self) -> None:
        """Build the site again; results that cannot be shown leave it as it is."""
        try:
            build_board([self.results], self.site)
        except UserError:
            return
        self.version += 1


def _state(results: Path) -> dict[Path, float]:
    """Return the record files with the times when they were written."""
    found = {}
    for path in (results / "records").glob("*/*.json"):
        try:
            found[path] = path.stat().st_mtime
        except OSError:  # replaced at this moment
            continue
    return found


class _Handler(SimpleHTTPRequestHandler):
    """Serves the files of the site. Pages get a script that loads them again after a build."""

    def __init__(self, board: LiveBoard, *args: Any):
        self.board = board
        super().__init__(*args, directory=str(board.site))

    def do_GET(self) -> None:
        if self.headers.get("Host", "").rpartition(":")[0] not in (HOST, "localhost"):
            self.send_error(403)
            return
        path = self.path.partition("?")[0]
        if path == "/live.js":
            self._send(SCRIPT, "text/javascript")
        elif path == "/live-version.js":
            self._send(f"archarenaVersion({self.board.version});\n", "text/javascript")
        elif path.endswith(("/", ".html")):
            self._send_page()
        else:
            super().do_GET()

    def _send_page(self) -> None:
        file = Path(self.translate_path(self.path))
        file = file / "index.html" if file.is_dir() else file
        try:
            text = file.read_text(encoding="utf-8")
        except OSError:
            if self.path.partition("?")[0] != "/":
                self.send_error(404)
                return
            text = WAITING
        self._send(text.replace("</head>", '<script defer src="/live.js"></script></head>', 1), "text/html")

    def _send(self, text: str, kind: str) -> None:
        content = text.encode()
        self.send_response(200)
        self.send_header("Content-Type", f"{kind}; charset=utf-8")
        self.send_header("Content-Length", str(len(content)))
        self.send_header("Cache-Control", "no-store")
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: Any) -> None:
        """Print nothing: the terminal shows the progress of the run."""
