"""Handovers of each kind over the same rows, each undone after it: what an onlooker sees, and how long it took.

For the tests, which take few, and for `make bench`, which takes a thousand of each kind.
"""

import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from itertools import cycle, islice
from typing import Any

import pyotp
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import event, text
from sqlalchemy.engine import Connection, Engine

from grants.access.models import FactorKind
from grants.access.sessions import SEEN
from grants.core.clock import utcnow
from grants.core.db import Model, db
from tests.factories.access import factor_of
from tests.factories.delivery import DURESS_PIN, PIN, Carried
from tests.factories.levels import SECOND_DURESS_PIN, SECOND_PIN, Team

NORMAL = "normal"
KINDS = ("other picture", "pin of the family", "both")
SECOND = "the second officer's pin"
# What is drawn anew for each request, and the clock.
MASKS = (
    (rb'name="csrf_token" value="[^"]*"', b"csrf"),
    (rb"nonce-[A-Za-z0-9_-]+", b"nonce"),
    (rb'name="(form_)?key"[^>]*>', b"key"),
    (rb"([0-9A-Z]{4}-){3}[0-9A-Z]{4}", b"receipt"),
    (rb"[0-9]{1,2}:[0-9]{2}(:[0-9]{2}(\.[0-9]+)?)?", b"time"),
)


@dataclass(frozen=True, slots=True)
class Seen:
    """One answer. Two of different kinds must be equal."""

    status: int
    headers: tuple[tuple[str, str], ...]
    cookies: tuple[str, ...]
    length: int
    body: bytes
    statements: tuple[str, ...]
    rows: tuple[tuple[str, int], ...]


Asked = tuple[str, Seen, float]  # the kind, what was seen, seconds


def masked(body: bytes) -> bytes:
    """A body without what is drawn anew for each request."""
    for pattern, name in MASKS:
        body = re.sub(pattern, name, body)
    return body.rstrip()


@dataclass(frozen=True, slots=True)
class Typist:
    """What somebody at the point types, in plain values that outlive a session."""

    address: str
    seed: str
    true_code: str
    other_code: str
    second: tuple[int, str, str] | None = None  # at level 3: the second officer, their seed, the control-room code

    @classmethod
    def of_team(cls, team: Team) -> "Typist":
        """At level 3, where two officers type."""
        seed = factor_of(team.second, FactorKind.DELIVERY).seed
        second = (team.second.id, seed, team.control_code(utcnow()))
        return replace(cls.at(team.carried), second=second)

    @classmethod
    def at(cls, carried: Carried) -> "Typist":
        seed = factor_of(carried.officer, FactorKind.DELIVERY).seed
        return cls(f"/deliveries/{carried.delivery.id}/handover", seed, carried.true_code, carried.other_codes[0])

    def form(self, kind: str) -> dict[str, str]:
        """The fields of a handover of this kind, now."""
        card = self.other_code if kind in ("other picture", "both") else self.true_code
        pin = DURESS_PIN if kind in ("pin of the family", "both") else PIN
        form = {"totp": pyotp.TOTP(self.seed).now(), "pin": pin, "card": card, "key": "a-key-of-the-form"}
        if self.second is None:
            return form
        officer, seed, control = self.second
        second_pin = SECOND_DURESS_PIN if kind == SECOND else SECOND_PIN
        return form | {"second_officer": str(officer), "second_totp": pyotp.TOTP(seed).now(), "second_pin": second_pin,
                       "control": control}  # fmt: skip


def keep_cookie(client: FlaskClient) -> None:
    """The cookie is renewed by the first page and when a minute has passed: not in the middle of a comparison."""
    client.get("/account")
    with client.session_transaction() as cookie:
        cookie[SEEN] += 3600


@contextmanager
def undone() -> Iterator[None]:
    """What happens inside is taken back, so that the next one finds the same rows."""
    db.session.commit()
    connection: Any = db.engines[None]
    point = connection.begin_nested()
    try:
        yield
    finally:
        db.session.remove()
        point.rollback()


@contextmanager
def one_connection(app: Flask) -> Iterator[Flask]:
    """Everything on one connection whose outer transaction is rolled back, as tests run it."""
    with app.app_context():
        engines, engine = db.engines, db.engines[None]
        connection = engine.connect()
        outer = connection.begin()
        engines[None] = connection
        db.session.remove()
        db.session.configure(join_transaction_mode="create_savepoint")
        yield app
        db.session.remove()
        outer.rollback()
        connection.close()
        engines[None] = engine


def handovers(client: FlaskClient, typist: Typist, count: int, kinds: tuple[str, ...] = KINDS) -> Iterator[Asked]:
    """Pairs of a normal handover and one under duress, the kinds in turn, each first in every second pair."""
    before = row_counts()  # once: each handover is undone
    for number, kind in enumerate(islice(cycle(kinds), count)):
        for each in (NORMAL, kind) if number % 2 else (kind, NORMAL):
            yield (each, *_one(client, typist.address, typist.form(each), before))


def _one(client: FlaskClient, address: str, form: dict[str, str], before: dict[str, int]) -> tuple[Seen, float]:
    with undone():
        with statements_noted() as statements:
            began = time.perf_counter()
            answer = client.post(address, data=form)
            took = time.perf_counter() - began
        after = row_counts()
    headers = tuple((name, value) for name, value in answer.headers if name not in ("Date", "Set-Cookie"))
    seen = Seen(
        status=answer.status_code,
        headers=headers,
        cookies=tuple(sorted(one.split("=")[0] for one in answer.headers.getlist("Set-Cookie"))),
        length=len(answer.data),
        body=masked(answer.data),
        statements=tuple(statements),
        rows=tuple((name, after[name] - before[name]) for name in after),
    )
    return seen, took


def row_counts() -> dict[str, int]:
    """How many rows each table has, in one statement. Sorted: PostgreSQL answers with its tables in any order."""
    parts = [f"SELECT '{name}', count(*) FROM \"{name}\"" for name in Model.metadata.tables]  # noqa: S608
    return dict(sorted(map(tuple, db.session.execute(text(" UNION ALL ".join(parts))))))


@contextmanager
def statements_noted() -> Iterator[list[str]]:
    """The text of every statement, without the numbers of savepoints."""
    noted: list[str] = []

    def note(_connection: Connection, _cursor: Any, statement: str, *_rest: Any) -> None:
        noted.append(re.sub(r"sa_savepoint_[0-9]+", "savepoint", statement))

    event.listen(Engine, "before_cursor_execute", note)
    try:
        yield noted
    finally:
        event.remove(Engine, "before_cursor_execute", note)
