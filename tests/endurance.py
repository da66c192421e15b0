"""`python -m tests.endurance [--postgresql] [300]`: confirmations through HTTP while workers are killed at random.

Four gunicorn workers answer; the client repeats what got no answer, with the same idempotency key. In the end every
handover is there once, with one receipt, one signal and its two messages, and the journal verifies.
"""

import argparse
import http.client
import json
import os
import random
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

from flask import Flask
from sqlalchemy import func, select

from grants.access.permissions import Permission
from grants.core import journal
from grants.core.clock import utcnow
from grants.core.db import db
from grants.core.outbox import OutboxMessage
from grants.delivery.models import Delivery, DeliveryState, Receipt, Signal, StoredAnswer
from grants.delivery.services import Codes
from grants.delivery.signals import PUBLIC_KEY_FILE
from tests.factories.access import make_token
from tests.factories.delivery import DESK_PUBLIC, make_carried

WORKERS, CLIENTS = 4, 6
LONGEST_START = 60  # seconds
TRIES = 40
# Gunicorn at the moment at which the tests are.
LAUNCH = "from tests.clock import move; move(); from gunicorn.app.wsgiapp import run; run()"
ROOT = Path(__file__).resolve().parents[1]


@dataclass(frozen=True, slots=True)
class Site:
    """A server that runs, and the process that keeps its workers."""

    port: int
    master: subprocess.Popen[bytes]

    def workers(self) -> list[int]:
        children = Path(f"/proc/{self.master.pid}/task/{self.master.pid}/children")
        return [int(pid) for pid in children.read_text().split()]

    def post(self, path: str, token: str, body: dict[str, Any], key: str) -> tuple[int, dict[str, Any]]:
        """Status and answer; OSError or HTTPException when the worker died on it."""
        headers = {"Authorization": f"Bearer {token}", "Idempotency-Key": key, "Content-Type": "application/json",
                   "Accept-Language": "en"}  # fmt: skip
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        try:
            connection.request("POST", path, json.dumps(body), headers)
            answer = connection.getresponse()
            return answer.status, json.loads(answer.read() or b"{}")
        finally:
            connection.close()


@contextmanager
def served(url: str, folder: Path, workers: int = WORKERS) -> Iterator[Site]:
    """Gunicorn over this database and instance folder, until the block ends."""
    (folder / PUBLIC_KEY_FILE).write_bytes(DESK_PUBLIC)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    settings = {
        "INSTANCE_PATH": str(folder), "DATABASE_URL": url, "ENVIRONMENT": "test", "RATELIMIT_ENABLED": "false",
        "ARGON2_MEMORY_KIB": "8", "ARGON2_TIME_COST": "1",
    }  # fmt: skip
    environment = {**os.environ, **{f"GRANTS_{name}": value for name, value in settings.items()}}
    # Loaded once and forked, so that a killed worker is replaced at once.
    flags = f"--workers {workers} --threads 2 --timeout 0 --preload --no-control-socket --log-level critical"
    command = [sys.executable, "-c", LAUNCH, "grants.wsgi:app", "--bind", f"127.0.0.1:{port}", *flags.split()]
    master = subprocess.Popen(command, env=environment, cwd=ROOT, stderr=subprocess.DEVNULL)
    try:
        _wait_for(port)
        yield Site(port, master)
    finally:
        master.terminate()
        master.wait()


def _wait_for(port: int) -> None:
    end = time.monotonic() + LONGEST_START
    while time.monotonic() < end:
        try:
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
            connection.request("GET", "/healthz")
            if connection.getresponse().status == 200:
                return
        except OSError:
            threading.Event().wait(0.1)
    raise TimeoutError("the server did not start")


@dataclass(slots=True)
class Handover:
    """One confirmation to make: who sends it, and everything right."""

    folio: str
    token: str
    totp_seed: str
    card: str
    pin: str


def make_handovers(number: int) -> list[Handover]:
    """Deliveries at their points, each with an officer of its own."""
    made = []
    for _n in range(number):
        carried = make_carried(at=utcnow() - timedelta(hours=1))
        token = make_token(carried.officer, Permission.CONFIRM_HANDOVER)
        codes = carried.codes(utcnow())
        made.append(Handover(carried.delivery.folio, token, _seed(carried.officer), codes.card, codes.pin))
    return made


def _seed(officer: Any) -> str:
    from grants.access.models import FactorKind
    from tests.factories.access import factor_of

    return str(factor_of(officer, FactorKind.DELIVERY).seed)


class Client:
    """Sends confirmations until each has its answer, and kills workers on the way."""

    def __init__(self, site: Site, *, kill_every: int, seed: int = 7) -> None:
        self.site, self.kill_every, self.chance = site, kill_every, random.Random(seed)
        self.begun = self.killed = self.repeated = 0
        self.lock = threading.Lock()

    def confirm(self, handover: Handover) -> int:
        """The status of the last answer."""
        body, key = self._body(handover), f"key-of-{handover.folio}"
        status = 0
        for attempt in range(TRIES):
            if not attempt:
                self._perhaps_kill()
            try:
                status, _said = self.site.post(
                    f"/api/v1/deliveries/{handover.folio}/confirm", handover.token, body, key
                )
            except (OSError, http.client.HTTPException):
                self.repeated += 1
                threading.Event().wait(0.05 * (attempt + 1))
                continue
            if status == 200:
                break
            if status == 409:  # the code's time is over: a new one is another request
                body, key = self._body(handover), f"{key[:60]}-{attempt}"
                threading.Event().wait(1)
        return status

    def _body(self, handover: Handover) -> dict[str, Any]:
        import pyotp

        codes = Codes(totp=pyotp.TOTP(handover.totp_seed).now(), pin=handover.pin, card=handover.card)
        return {name: value for name, value in asdict(codes).items() if value}

    def _perhaps_kill(self) -> None:
        """Before every so many handovers: a worker dies a moment later, in the middle of whatever it does."""
        with self.lock:
            self.begun += 1
            if self.begun % self.kill_every:
                return
            wait, workers = self.chance.uniform(0, 0.03), self.site.workers()
            self.killed += 1
        if workers:
            threading.Timer(wait, self._kill, [self.chance.choice(workers)]).start()

    @staticmethod
    def _kill(pid: int) -> None:
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            return  # it died of an earlier one


def counted() -> dict[str, int]:
    """What is in the database in the end."""

    def rows(statement: Any) -> int:
        return int(db.session.scalar(statement) or 0)

    return {
        "confirmed": rows(select(func.count()).select_from(Delivery).where(Delivery.state == DeliveryState.CONFIRMED)),
        "receipts": rows(select(func.count()).select_from(Receipt)),
        "signals": rows(select(func.count()).select_from(Signal)),
        "answers": rows(select(func.count()).select_from(StoredAnswer)),
        "messages": rows(select(func.count()).select_from(OutboxMessage).where(OutboxMessage.kind == "handover")),
    }


def whole(number: int) -> dict[str, int]:
    """What has to be there after so many handovers: to each belong two messages to the desk."""
    once = dict.fromkeys(("confirmed", "receipts", "signals", "answers"), number)
    return {**once, "messages": 2 * number}


def endure(app: Flask, number: int, *, kill_every: int) -> tuple[dict[str, int], Client, set[int]]:
    """Make so many confirmations while workers die; what is there, who sent, and the statuses of the last answers."""
    url, folder = str(app.config["DATABASE_URL"]), Path(app.instance_path)
    handovers = make_handovers(number)
    db.session.commit()
    db.session.remove()
    db.engine.dispose()
    with served(url, folder) as site:
        client = Client(site, kill_every=kill_every)
        with ThreadPoolExecutor(CLIENTS) as pool:
            statuses = set(pool.map(client.confirm, handovers))
    return counted(), client, statuses


def main() -> None:
    from tests.bench.__main__ import _database
    from tests.conftest import build

    parser = argparse.ArgumentParser(prog="python -m tests.endurance")
    parser.add_argument("number", nargs="?", type=int, default=300)
    parser.add_argument("--postgresql", action="store_true")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="semilla-endure-") as folder, _database(chosen.postgresql) as url:
        app = build(url or f"sqlite:///{folder}/semilla.db", Path(folder))
        with app.app_context():
            began = time.perf_counter()
            there, client, statuses = endure(app, chosen.number, kill_every=3)
            took, holds = time.perf_counter() - began, journal.verify().holds
            db.session.remove()
            db.engine.dispose()
    sys.stdout.write(
        f"{chosen.number} confirmations, {client.repeated} requests without an answer, "
        f"{client.killed} workers killed, {took:.0f} s\n{there}\njournal verifies: {holds}\n"
    )
    sys.exit(not (holds and statuses == {200} and there == whole(chosen.number)))


if __name__ == "__main__":
    main()
