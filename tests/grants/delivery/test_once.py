"""What is sent twice or at one moment is done once: forms, files, visits."""

from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy import func, select

from grants.access.models import User
from grants.access.permissions import Role
from grants.calls.models import Call
from grants.core.clock import utcnow
from grants.core.db import db, get_or_refuse
from grants.delivery.models import Delivery, PlanImport, SentForm, Visit
from grants.delivery.plan_sheet import Line
from grants.delivery.services import once, plan_import, visits
from tests.factories.access import make_user
from tests.factories.calls import make_call
from tests.factories.delivery import make_confirmed
from tests.factories.selection import make_award
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


@pytest.mark.no_rollback
def test_a_file_that_is_applied_is_not_discarded_at_that_moment(real_app: Flask) -> None:
    call, user = make_call(), make_user(Role.COORDINATOR)
    row = Line(2, {"folio": make_award(call=call).application.folio})
    kept = plan_import.preview_import(call, [row], by=user, now=utcnow())
    user_id, kept_id, stamp = user.id, kept.id, kept.stamp
    db.session.commit()

    def apply(by: User) -> None:
        plan_import.apply_import(get_or_refuse(PlanImport, kept_id), only_good=False, stamp=stamp, by=by, now=utcnow())

    def discard(by: User) -> None:
        plan_import.discard_import(get_or_refuse(PlanImport, kept_id), stamp=stamp, by=by, now=utcnow())

    ended = together(real_app, [(apply, user_id), (discard, user_id)] * 4)

    left = db.session.scalars(select(PlanImport)).all()
    assert ended["done"] == 1
    assert [one.applied_at is not None for one in left] in ([], [True])
    assert db.session.scalar(select(func.count(Delivery.id))) == len(left)


@pytest.mark.no_rollback
def test_visits_planned_twice_at_once_are_planned_once(real_app: Flask) -> None:
    delivery, user_id = make_confirmed().delivery, make_user(Role.MONITORING).id
    call_id = delivery.award.selection.call_id
    db.session.commit()

    def plan(by: User) -> None:
        visits.plan_visits(get_or_refuse(Call, call_id), by=by, now=utcnow())

    assert together(real_app, [(plan, user_id)] * 6) == {"done": 6}
    assert db.session.scalar(select(func.count(Visit.id))) == 1
