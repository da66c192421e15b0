"""DELIVERY_PROTOCOL §6: nobody but the desk can tell a call for help from a handover like any other."""

import re
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import LargeBinary, event, select
from sqlalchemy.engine import Engine

from grants.access.models import User
from grants.core.clock import utcnow
from grants.core.db import Model, db
from tests.factories.calls import make_call
from tests.factories.delivery import DURESS_PIN, PIN, Carried, make_carried
from tests.factories.people import make_person
from tests.factories.selection import make_award

KINDS = ("other picture", "pin of the family", "both")
RANDOM = {"folio", "serial", "row_key", "number", "seal_number", "digest", "content_hash", "request_hash"}
RANDOM_NAMES = {"team", "vehicle"}  # the factory draws them
MASKS = (
    (rb'name="csrf_token" value="[^"]*"', b"csrf"),
    (rb'name="key"[^>]*>', b"key"),
    (rb"[DPA]-[0-9A-Z]{9}", b"folio"),
    (rb"/deliveries/[0-9]+", b"address"),
    (rb"([0-9A-Z]{4}-){3}[0-9A-Z]{4}", b"receipt"),
    (rb"[0-9]{1,2}:[0-9]{2}", b"time"),
)


@dataclass(slots=True)
class Seen:
    """All that an onlooker, the network or the database could compare."""

    status: int
    headers: dict[str, str]
    length: int
    body: bytes
    statements: list[str]
    rows: Counter[str]
    shapes: dict[str, list[tuple[Any, ...]]]


def entered(carried: Carried, kind: str) -> dict[str, str]:
    card = carried.other_codes[0] if kind in ("other picture", "both") else carried.true_code
    pin = DURESS_PIN if kind in ("pin of the family", "both") else PIN
    codes = carried.codes(utcnow(), pin=pin, card=card)
    return {"totp": codes.totp, "pin": codes.pin, "card": codes.card, "key": "a-key-of-the-form"}


@contextmanager
def statements_noted() -> Iterator[list[str]]:
    noted: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        noted.append(re.sub(r"sa_savepoint_[0-9]+", "savepoint", statement))

    event.listen(Engine, "before_cursor_execute", note)
    try:
        yield noted
    finally:
        event.remove(Engine, "before_cursor_execute", note)


def dump() -> dict[str, list[dict[str, Any]]]:
    db.session.commit()
    return {
        table.name: [dict(row._mapping) for row in db.session.execute(select(table).order_by(*table.primary_key))]
        for table in Model.metadata.sorted_tables
    }


def shape(value: Any, column: Any) -> Any:
    """A value as a reader without keys can compare it: sealed bytes and nonces by their length."""
    if isinstance(value, (bytes, memoryview)) or isinstance(column.type, LargeBinary):
        return None if value is None else ("bytes", len(value))
    if isinstance(value, str) and column.name in ("id", "subject") and value.isdigit():
        return "number"
    if column.name in RANDOM or (column.table.name in RANDOM_NAMES and column.name == "name"):
        return value and ("text", len(value))
    if isinstance(value, str):
        return str(value)
    if isinstance(value, int) and not isinstance(value, bool) and column.name not in ("fails", "day_fails", "attempts"):
        return "number"
    return value if isinstance(value, (int, bool)) or value is None else type(value).__name__


def difference(before: dict[str, Any], after: dict[str, Any]) -> dict[str, list[tuple[Any, ...]]]:
    """New and changed rows of every table, in shape."""
    tables = Model.metadata.tables
    return {
        name: [
            tuple((key, shape(value, tables[name].c[key])) for key, value in row.items())
            for row in rows
            if row not in before[name]
        ]
        for name, rows in after.items()
    }


def masked(body: bytes) -> bytes:
    """The page without what is drawn or counted anew for every request."""
    for pattern, name in MASKS:
        body = re.sub(pattern, name, body)
    return body


def watch(client: FlaskClient, carried: Carried, kind: str, **changed: str) -> Seen:
    form = {**entered(carried, kind), **changed}
    before = dump()
    with statements_noted() as statements:
        answer = client.post(f"/deliveries/{carried.delivery.id}/handover", data=form)
    after = dump()
    return Seen(
        status=answer.status_code,
        headers={name: value for name, value in answer.headers.items() if name not in ("Date", "Set-Cookie")},
        length=len(answer.data),
        body=masked(answer.data).rstrip(),
        statements=statements,
        rows=Counter({name: len(after[name]) - len(before[name]) for name in after}),
        shapes=difference(before, after),
    )


@pytest.fixture
def pair(app: Flask, desk_key: Path, sign_in: Callable[[User], FlaskClient]) -> Callable[..., tuple[Seen, Seen]]:
    """A normal handover and one of a kind, each by an officer of its own."""

    def make(kind: str, **changed: str) -> tuple[Seen, Seen]:
        seen, call = [], make_call()
        for each in ("normal", kind):
            # One name and one call: the receipt's sealed text is as long as what it says.
            carried = make_carried(award=make_award(make_person(given_names="Marisol"), call=call))
            seen.append(watch(sign_in(carried.officer), carried, each, **changed))
        return seen[0], seen[1]

    return make


@pytest.mark.parametrize("kind", KINDS)
def test_handover_under_duress_looks_like_any_other(pair: Callable[..., tuple[Seen, Seen]], kind: str) -> None:
    normal, duress = pair(kind)

    assert normal.status == 200
    assert normal.rows["signal"] == normal.rows["receipt"] == 1
    assert normal.rows["outbox_message"] == 2  # one for each channel
    assert duress.status == normal.status
    assert duress.headers == normal.headers
    assert duress.length == normal.length
    assert duress.body == normal.body
    assert duress.statements == normal.statements
    assert duress.rows == normal.rows
    assert duress.shapes == normal.shapes


@pytest.mark.parametrize("kind", KINDS)
def test_refusal_under_duress_looks_like_any_other(pair: Callable[..., tuple[Seen, Seen]], kind: str) -> None:
    normal, duress = pair(kind, totp="000000")

    assert normal.rows["signal"] == 0
    assert (duress.status, duress.headers, duress.length) == (normal.status, normal.headers, normal.length)
    assert duress.body == normal.body
    assert duress.statements == normal.statements
    assert duress.shapes == normal.shapes


def test_success_and_refusal_have_one_size(pair: Callable[..., tuple[Seen, Seen]]) -> None:
    success, _also = pair("both")
    refusal, _too = pair("both", totp="000000")

    assert success.length == refusal.length == 32 * 1024
    assert "Content-Encoding" not in success.headers
    assert "no-store" in success.headers["Cache-Control"]


def test_no_code_is_in_the_database_the_page_or_the_log(
    app: Flask, desk_key: Path, sign_in: Callable[[User], FlaskClient], caplog: pytest.LogCaptureFixture
) -> None:
    carried = make_carried()
    form = entered(carried, "other picture")
    client = sign_in(carried.officer)

    wrong = client.post(f"/deliveries/{carried.delivery.id}/handover", data={**form, "totp": "000000"})
    right = client.post(f"/deliveries/{carried.delivery.id}/handover", data=form)

    stored = repr(dump())
    for code in carried.card_codes:
        assert code not in stored
        assert code.encode() not in wrong.data + right.data
        assert code not in caplog.text


def test_pictures_of_the_choice_have_one_length_in_the_database(app: Flask) -> None:
    from grants.delivery.models import Picture, SymbolCard

    lengths = {len(make_carried(picture=picture).card.true_picture_sealed) for picture in Picture}  # type: ignore[attr-defined]

    assert len(lengths) == 1
    assert db.session.query(SymbolCard).filter(SymbolCard.codes_sealed.is_not(None)).count() == 0  # type: ignore[attr-defined]
