"""A form that is sent again: whose key counts, for how long, and which of two at once."""

from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy import func, select

from grants.access.models import User
from grants.access.permissions import Role
from grants.core.clock import utcnow
from grants.core.db import db
from grants.delivery.models import SentForm
from grants.delivery.services import once
from tests.factories.access import make_user
from tests.grants.delivery.test_risk_races import together

KEY = "k" * 22


def test_key_is_each_persons_own(app: Flask) -> None:
    one, other = make_user(Role.WAREHOUSE), make_user(Role.WAREHOUSE)

    assert [once.is_first(KEY, "12", by=user, now=utcnow()) for user in (one, other, one)] == [True, True, False]


def test_neither_the_key_nor_what_was_said_is_kept(app: Flask) -> None:
    once.is_first(KEY, "Ana Quintero", by=make_user(), now=utcnow())

    kept = db.session.scalars(select(SentForm)).one()

    assert KEY not in (kept.key_hash, kept.said_hash)
    assert "Quintero" not in kept.said_hash


def test_keys_are_forgotten_after_thirty_days(app: Flask) -> None:
    user, now = make_user(), utcnow()
    once.is_first(KEY, "12", by=user, now=now - timedelta(days=30, seconds=1))
    once.is_first("x" * 22, "12", by=user, now=now - timedelta(days=29))

    assert [once.forget(now=now) for _n in range(2)] == [1, 0]
    assert db.session.scalar(select(func.count(SentForm.id))) == 1


@pytest.mark.no_rollback
def test_of_twenty_at_once_one_is_the_first(real_app: Flask) -> None:
    user_id = make_user(Role.WAREHOUSE).id
    db.session.commit()
    told: list[bool] = []

    def send(by: User) -> None:
        told.append(once.is_first(KEY, "12", by=by, now=utcnow()))

    together(real_app, [(send, user_id)] * 20)

    assert sorted(told) == [False] * 19 + [True]
