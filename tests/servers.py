"""A server on this machine, which answers as a test wants it to."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Thread

import pytest

CONTENT = bytes(range(256)) * 1000


class Server(ThreadingHTTPServer):
    """A server on this machine, whose answers are functions of the handler by path."""

    daemon_threads = True

    def __init__(self, answers: dict[str, Callable[[BaseHTTPRequestHandler], object]]) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.answers, self.ended, self.asked = answers, Event(), list[str]()

    def address(self, name: str) -> str:
        """Return the address of this answer."""
        return f"http://127.0.0.1:{self.server_port}/{name}"

    def handle_error(self, request, client_address) -> None:
        """Say nothing of a client that has left."""


class Handler(BaseHTTPRequestHandler):
    server: Server

    def do_GET(self) -> None:
        """Give the answer of that name."""
        name = self.path.strip("/")
        self.server.asked.append(name)
        self.server.answers[name](self)

    def log_message(self, *_) -> None:
        """Print nothing."""


def answer(handler, body=CONTENT, length=None, status=200, **headers: str) -> None:
    handler.send_response(status)
    headers = {"Content-Length": str(len(body) if length is None else length), **headers}
    for name, value in headers.items():
        handler.send_header(name, value)
    handler.end_headers()
    handler.wfile.write(body)


@contextmanager
def serving(answers: dict[str, Callable[..., object]]) -> Iterator[Server]:
    """Give a server with these answers, which no proxy stands before."""
    with pytest.MonkeyPatch.context() as patch, Server(answers) as server:
        patch.setenv("no_proxy", "*")
        Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        yield server
        server.ended.set()
        server.shutdown()
