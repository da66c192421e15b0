"""Two databases, one in which people called for help and one in which nobody did: nothing tells without the desk's key.

The same actions run twice over the same rows, the first run undone before the second. What is written, shown, exported
and logged is compared; what is sealed or drawn, by its length; what the clock says, not at all.
"""

import logging
import re
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import LargeBinary, func, select, text

from grants.access.models import User
from grants.access.permissions import GRANTED, Permission, Role
from grants.core import jobs, outbox
from grants.core.clock import utcnow
from grants.core.db import Model, db
from grants.delivery.models import Signal
from grants.delivery.queries import desk as questions
from grants.delivery.services import alerts
from tests.factories.access import make_user
from tests.factories.delivery import make_carried
from tests.factories.desk import make_desk
from tests.pairs import KINDS, NORMAL, Typist, keep_cookie, masked, undone

DRAWN = {"row_key", "number", "content_hash", "request_hash", "folio", "digest"}
TIME = r"[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9:.]+(Z|[+-][0-9:]+)?"
PAGES_OF = (Role.COORDINATOR, Role.DESK, Role.MONITORING, Role.AUDITOR, Role.ADMINISTRATOR, Role.WAREHOUSE)


@dataclass(slots=True)
class World:
    """Handovers ready to be confirmed, and everybody who may look at them."""

    typists: list[Typist]
    officers: list[FlaskClient]
    officer_ids: list[int]
    desk_id: int
    readers: dict[Role, FlaskClient]


@dataclass(slots=True)
class Told:
    """All that anybody without the desk's key can compare."""

    rows: dict[str, list[tuple[Any, ...]]]
    pages: dict[str, tuple[int, bytes]]
    log: list[str]


@pytest.fixture
def world(app: Flask, desk_key: Path, sign_in: Callable[[User], FlaskClient]) -> World:
    carried = [make_carried() for _kind in KINDS]
    readers = {role: sign_in(make_user(role)) for role in PAGES_OF}
    made = World(
        [Typist.at(one) for one in carried], [sign_in(one.officer) for one in carried],
        [one.officer.id for one in carried], make_desk().id, readers,
    )  # fmt: skip
    for client in (*made.officers, *readers.values()):
        keep_cookie(client)
    db.session.commit()
    return made


def live_through(app: Flask, world: World, kinds: tuple[str, ...]) -> None:
    """Everybody hands over, asks and waits; the desk acknowledges; the worker works."""
    for typist, client, kind in zip(world.typists, world.officers, kinds, strict=True):
        assert client.post(typist.address, data=typist.form(kind)).status_code == 200
        assert client.post("/deliveries/ask-next-stop").status_code == 302
    now, desk = utcnow(), db.session.get_one(User, world.desk_id)
    ids = [one.id for one in questions.signals_page()]
    alerts.escalate("duty-officer", after=timedelta(0), now=now)
    alerts.acknowledge(ids[1:], by=desk, now=now)
    db.session.commit()
    outbox.deliver_due(cut, now=now)
    for job in jobs._jobs:
        job.run(app)


def cut(_address: str, _subject: str, _body: str) -> None:
    raise OSError("no route")


def told(app: Flask, world: World, caplog: pytest.LogCaptureFixture) -> Told:
    pages = {f"{name} {path}": page for name, client, path in looks(app, world) if (page := seen(client, path))}
    db.session.commit()
    lines = [re.sub(r"[0-9.:]+", "n", record.getMessage()) for record in caplog.records]
    return Told({table.name: rows_of(table) for table in Model.metadata.sorted_tables}, pages, lines)


def looks(app: Flask, world: World) -> Iterator[tuple[str, FlaskClient, str]]:
    """Every page without a parameter for one reader who may open it, and every page of the deliveries."""
    for rule in app.url_map.iter_rules():
        needed = getattr(app.view_functions[rule.endpoint], "permissions", frozenset())
        if "GET" not in (rule.methods or ()) or rule.arguments or rule.rule.startswith("/api/"):
            continue
        reader = next((role for role in world.readers if needed & (GRANTED[role] | {Permission.SIGNED_IN})), None)
        if reader is not None:
            yield reader.value, world.readers[reader], rule.rule
    for typist, client in zip(world.typists, world.officers, strict=True):
        own = typist.address.removesuffix("/handover")
        yield from (("officer", client, path) for path in ("/", "/deliveries/my-day", typist.address))
        yield from ((role.value, reader, own) for role, reader in world.readers.items())


def seen(client: FlaskClient, path: str) -> tuple[int, bytes]:
    answer = client.get(path)
    body = answer.data
    if body.startswith(b"PK"):
        with zipfile.ZipFile(BytesIO(body)) as archive:
            body = b"".join(name.encode() + archive.read(name) for name in sorted(archive.namelist()))
    return answer.status_code, masked(re.sub(TIME.encode(), b"moment", body))


def number_from_the_same() -> None:
    """PostgreSQL does not take a used number back: both runs begin at the same ones."""
    if db.engine.dialect.name != "postgresql":
        return
    numbered = [table for table in Model.metadata.sorted_tables if "id" in table.c]
    for table in numbered:
        name = db.session.scalar(text("SELECT pg_get_serial_sequence(:name, 'id')"), {"name": f'"{table.name}"'})
        if name is not None:
            highest = select(func.coalesce(func.max(table.c.id), 0) + 1).scalar_subquery()
            db.session.execute(select(func.setval(name, highest, False)))
    db.session.commit()


def rows_of(table: Any) -> list[tuple[Any, ...]]:
    """The rows in the order of their keys, each value as a reader without keys can compare it."""
    rows = db.session.execute(select(table).order_by(*table.primary_key)).all()
    columns = {column.name: [row[n] for row in rows] for n, column in enumerate(table.columns)}
    # A number of the journal belongs to the table that it names.
    of_table = columns.get("subject", [""] * len(rows))
    return list(zip(*(shape(table.c[name], values, of_table) for name, values in columns.items()), strict=True))


def shape(column: Any, values: list[Any], of_table: list[Any]) -> list[Any]:
    if column.name == "step":  # the clock
        return ["step"] * len(values)
    if isinstance(column.type, LargeBinary) or column.name in DRAWN:
        return [value if value is None else len(value) for value in values]
    if column.name == "id" or column.name.endswith("_id"):
        numbers = list(zip(of_table, values, strict=True))
        places = {one: place for place, one in enumerate(sorted({one for one in numbers if one[1] is not None}))}
        return [places.get(one) for one in numbers]
    return [value if isinstance(value, (bool, int, str)) or value is None else type(value).__name__ for value in values]


def test_nothing_tells_that_anybody_called_for_help(app: Flask, world: World, caplog: pytest.LogCaptureFixture) -> None:
    runs = []
    app.logger.addHandler(caplog.handler)
    for kinds in ((NORMAL,) * 3, KINDS):
        caplog.clear()
        with undone(), caplog.at_level(logging.DEBUG, "grants"):
            number_from_the_same()
            live_through(app, world, kinds)
            runs.append(told(app, world, caplog))
    app.logger.removeHandler(caplog.handler)
    calm, coerced = runs

    assert len(calm.rows["signal"]) == 3
    assert len(calm.rows["outbox_message"]) == 3 * 2 + 3
    assert len(calm.pages) > 50
    assert len(calm.log) == 9
    for name, rows in calm.rows.items():
        assert coerced.rows[name] == rows, name
    for name, page in calm.pages.items():
        assert coerced.pages[name] == page, name
    assert coerced.log == calm.log
    assert db.session.query(Signal).count() == 0
