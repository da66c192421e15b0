"""Webhooks for tests, and a server that receives."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from grants.core.clock import utcnow
from grants.core.db import db
from grants.credit.models import Institution, Webhook
from grants.credit.services import webhooks
from tests.factories.credit import make_institution, make_liaison

SECRET = "whsec_for-tests"


def make_webhook(institution: Institution | None = None, address: str = "https://coop.example/semilla") -> Webhook:
    """A webhook whose secret is SECRET."""
    institution = institution or make_institution()
    by = make_liaison(institution)
    webhook, _secret = webhooks.register(institution, address, plain_at_home=True, by=by, now=utcnow())
    webhook.secret = SECRET
    db.session.flush()
    return webhook


@dataclass
class Inbox:
    """What came in, and what is answered: the statuses in order, the last one for ever."""

    address: str = ""
    statuses: list[int] = field(default_factory=lambda: [200])
    came: list[tuple[dict[str, str], bytes]] = field(default_factory=list)

    def next_status(self) -> int:
        return self.statuses.pop(0) if len(self.statuses) > 1 else self.statuses[0]


@contextmanager
def inbox(*statuses: int, location: str = "") -> Iterator[Inbox]:
    """A server on this machine that keeps each POST."""
    box = Inbox(statuses=list(statuses) or [200])

    class Door(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            box.came.append((dict(self.headers), body))
            self.send_response(box.next_status())
            if location:
                self.send_header("Location", location)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_what: Any) -> None:
            """The console is the test's."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Door)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    box.address = f"http://127.0.0.1:{server.server_port}/semilla"
    try:
        yield box
    finally:
        server.shutdown()
        server.server_close()


@contextmanager
def odd_server(speak: Any) -> Iterator[int]:
    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        line, _from = listener.accept()
        with line:
            line.recv(65536)
            try:
                speak(line)
            except OSError:
                return

    threading.Thread(target=serve, daemon=True).start()
    try:
        yield listener.getsockname()[1]
    finally:
        listener.close()
