from datetime import UTC, date, datetime, timedelta, timezone

import pytest
from flask import Flask
from sqlalchemy import select, text
from sqlalchemy.exc import IntegrityError, StatementError

from grants.core import outbox
from grants.core.clock import local_day, utcnow
from grants.core.db import db, get_or_refuse, keyset_page, transaction
from grants.core.errors import NotFound
from grants.core.outbox import OutboxMessage
from grants.people.models import Canton


def make_messages(kinds: str) -> None:
    for kind in kinds:
        outbox.add(kind, address="a", subject="b", body="c", now=utcnow())
    db.session.commit()


def walk(size: int, *, descending: bool = False) -> str:
    """All kinds of the outbox's messages, page by page."""
    after, seen = None, ""
    while True:
        page = keyset_page(
            select(OutboxMessage), OutboxMessage.kind, OutboxMessage.id, after=after, size=size, descending=descending
        )
        seen += "".join(message.kind for message in page.items)
        after = page.next_after
        if after is None:
            return seen


@pytest.mark.parametrize("size", [1, 2, 3, 6, 7])
def test_pages_show_each_row_once_in_order(app: Flask, size: int) -> None:
    make_messages("cabbad")
    assert walk(size) == "aabbcd"
    assert walk(size, descending=True) == "dcbbaa"


@pytest.mark.parametrize("after", ["", "~", "x", "a~x", "a~-1", "a~99999999999999999999", "\x00~1", "a~１"])
def test_a_marker_that_makes_no_sense_shows_the_first_page(app: Flask, after: str) -> None:
    make_messages("ab")
    page = keyset_page(select(OutboxMessage), OutboxMessage.kind, OutboxMessage.id, after=after, size=1)
    assert [message.kind for message in page.items] == ["a"]


def test_a_naive_time_is_refused_and_an_aware_one_comes_back_in_utc(app: Flask) -> None:
    from tests.factories.access import make_user

    user = make_user()
    user.suspended_at = datetime(2026, 1, 1, 7, tzinfo=timezone(timedelta(hours=-5)))
    db.session.commit()
    db.session.expire(user)
    assert user.suspended_at == datetime(2026, 1, 1, 12, tzinfo=UTC)
    user.suspended_at = datetime(2026, 1, 1)  # noqa: DTZ001 -- the mistake under test
    with pytest.raises(StatementError, match="without its zone"):
        db.session.flush()
    db.session.rollback()


def test_the_zone_of_the_database_changes_nothing(app: Flask) -> None:
    written = datetime(2026, 1, 1, 2, 30, tzinfo=UTC)  # the evening before where the programme works
    message = outbox.add("x", address="a", subject="b", body="c", now=written)
    db.session.flush()
    if db.engine.dialect.name == "postgresql":
        db.session.execute(text("SET LOCAL TIME ZONE 'America/Guayaquil'"))

    read = db.session.scalar(select(OutboxMessage.created_at).where(OutboxMessage.id == message.id))

    assert (read.isoformat(), read.date()) == ("2026-01-01T02:30:00+00:00", date(2026, 1, 1))


def test_foreign_keys_are_enforced(app: Flask) -> None:
    with pytest.raises(IntegrityError), transaction():
        db.session.add(Canton(code="7777", name="x", province_code="00"))


@pytest.mark.parametrize("key", [-1, 2**31, 2**63, 2**200])
def test_ids_beyond_the_column_are_not_found(app: Flask, key: int) -> None:
    from grants.access.models import User

    with pytest.raises(NotFound):
        get_or_refuse(User, key)


def test_the_day_is_the_day_where_the_programme_works() -> None:
    assert local_day(datetime(2026, 1, 1, 4, 59, tzinfo=UTC)).isoformat() == "2025-12-31"
    assert local_day(datetime(2026, 1, 1, 5, 0, tzinfo=UTC)).isoformat() == "2026-01-01"
    assert utcnow().tzinfo is UTC
