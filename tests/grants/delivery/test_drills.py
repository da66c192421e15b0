"""Drills: practice handovers that look and call like real ones, and that nothing else counts."""

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import update
from sqlalchemy.exc import IntegrityError

from grants.access.models import User
from grants.core.clock import local_day, utcnow
from grants.core.db import db
from grants.core.errors import RuleBroken
from grants.core.outbox import OutboxMessage
from grants.delivery import queries
from grants.delivery.desk.boxes import unseal
from grants.delivery.models import Delivery, Drill, DrillDelivery, Receipt, Signal
from grants.delivery.queries import desk as questions
from grants.delivery.services import Codes, drills
from grants.delivery.signals import BOX_BYTES, Kind
from tests.factories.delivery import CHEAP, DESK, DESK_PRIVATE, DURESS_PIN, PIN, STRANGE_PIN, make_officer, totp_at
from tests.factories.desk import confirm_as, make_desk, make_practice
from tests.grants.delivery.test_duress import masked

pytestmark = pytest.mark.usefixtures("in_english")


def practice_codes(practice: DrillDelivery, *, pin: str = PIN, right: bool = True, totp: str = "") -> Codes:
    true = int(practice.true_picture)
    card = practice.codes[true if right else (true + 1) % 4]
    return Codes(totp=totp or totp_at(practice.officer, utcnow()), pin=pin, card=card)


def newest_signal() -> Signal:
    return db.session.query(Signal).order_by(Signal.id.desc()).first()  # type: ignore[return-value]


@pytest.mark.parametrize(
    ("pin", "right", "is_alarm"), [(PIN, True, False), (DURESS_PIN, True, True), (PIN, False, True)]
)
def test_practice_sends_a_box_like_any_other_and_the_desk_reads_drill(
    app: Flask, pin: str, right: bool, is_alarm: bool
) -> None:
    practice, now = make_practice(), utcnow()

    drills.practise(practice, practice_codes(practice, pin=pin, right=right), desk=DESK, by=practice.officer, now=now)

    signal = newest_signal()
    facts = unseal(signal.box, DESK_PRIVATE)
    assert (signal.delivery_id, signal.drill_delivery_id, len(signal.box)) == (None, practice.id, BOX_BYTES)
    assert (facts.kind, facts.delivery_id, facts.is_alarm) == (Kind.DRILL, practice.id, is_alarm)
    assert [one.kind for one in db.session.query(OutboxMessage)] == ["handover"] * 2
    assert practice.done_at == now


def test_no_figure_stock_or_entitlement_sees_a_drill(app: Flask) -> None:
    practice = make_practice()
    drills.practise(practice, practice_codes(practice), desk=DESK, by=practice.officer, now=utcnow())

    assert db.session.query(Delivery).count() == db.session.query(Receipt).count() == 0
    assert not queries.disclosure.shown_to(practice.officer, utcnow()).stops
    assert queries.shown_to(practice.officer, utcnow()).next is None
    assert queries.counts_on_the_road() == {}


@pytest.mark.parametrize("wrong", [{"pin": STRANGE_PIN}, {"totp": "000000"}, {"totp": "１２３４５６"}])
def test_wrong_codes_practise_nothing(app: Flask, wrong: dict[str, str]) -> None:
    practice = make_practice()

    with pytest.raises(RuleBroken, match="do not match"):
        drills.practise(practice, practice_codes(practice, **wrong), desk=DESK, by=practice.officer, now=utcnow())

    assert practice.done_at is None
    assert db.session.query(Signal).count() == 0


def test_a_practice_is_done_once_and_in_time(app: Flask) -> None:
    now = utcnow()
    practice, late = make_practice(now=now), make_practice(now=now - timedelta(days=20))
    drills.practise(practice, practice_codes(practice), desk=DESK, by=practice.officer, now=now)
    db.session.commit()

    again = practice_codes(practice, totp=totp_at(practice.officer, now + timedelta(seconds=30)))
    with pytest.raises(RuleBroken, match="practised this already"):
        drills.practise(practice, again, desk=DESK, by=practice.officer, now=now + timedelta(seconds=30))
    db.session.rollback()
    with pytest.raises(RuleBroken, match="over"):
        drills.practise(late, practice_codes(late), desk=DESK, by=late.officer, now=now)

    assert db.session.query(Signal).count() == 1
    assert queries.pin_of(late.officer) is not None
    assert questions.open_practice(late.officer, now) is None


@pytest.mark.parametrize(("officers", "days"), [(0, 5), (4, 5), (1, -1), (1, 32)])
def test_a_drill_outside_its_limits_is_refused(app: Flask, officers: int, days: int) -> None:
    now = utcnow()
    for _n in range(3):
        make_officer()

    with pytest.raises(RuleBroken):
        drills.plan_drill(
            officers=officers, due_on=local_day(now) + timedelta(days=days), cost=CHEAP, by=make_desk(), now=now
        )

    assert db.session.query(Drill).count() == 0


def test_officers_are_drawn_by_lot_each_once(app: Flask) -> None:
    now, able = utcnow(), {make_officer().id for _n in range(5)}

    drill = drills.plan_drill(officers=3, due_on=local_day(now), cost=CHEAP, by=make_desk(), now=now)

    drawn = [one.officer_id for one in drill.deliveries]
    assert len(set(drawn)) == 3
    assert set(drawn) <= able


def test_a_drill_is_due_every_31_days(app: Flask) -> None:
    now = utcnow()
    assert questions.is_drill_overdue(now)
    make_practice(now=now)

    assert not questions.is_drill_overdue(now + timedelta(days=31))
    assert questions.is_drill_overdue(now + timedelta(days=31, seconds=1))


def test_a_signal_belongs_to_one_handover_real_or_practised(app: Flask) -> None:
    practice, carried = make_practice(), confirm_as("normal")
    signal = newest_signal()
    db.session.commit()
    for wrong in ({"drill_delivery_id": practice.id}, {"delivery_id": None}):
        with pytest.raises(IntegrityError), db.session.begin_nested():
            db.session.execute(update(Signal).values(wrong))

    db.session.refresh(signal)
    assert signal.delivery_id == carried.delivery.id


def test_drill_through_the_pages_from_the_draw_to_the_result(
    app: Flask, desk_key: Path, sign_in: Callable[[User], FlaskClient]
) -> None:
    officer, missing, desk = make_officer(), make_officer(), sign_in(make_desk())
    due = local_day(utcnow()) + timedelta(days=3)
    overdue = desk.get("/").text
    desk.post("/deliveries/desk/drills", data={"officers": "2", "due_on": due.isoformat()})
    practice = db.session.query(DrillDelivery).filter_by(officer_id=officer.id).one()
    client = sign_in(officer)
    assert f"/deliveries/practice/{practice.id}" in client.get("/deliveries/my-day").text
    codes = practice_codes(practice, pin=DURESS_PIN)

    form = {"totp": codes.totp, "pin": codes.pin, "card": codes.card, "key": "a-key-of-the-form"}
    page = client.get(f"/deliveries/practice/{practice.id}")
    done = client.post(f"/deliveries/practice/{practice.id}", data=form)
    result = desk.get(f"/deliveries/desk/drills/{practice.drill_id}").text

    assert len(page.data) == len(done.data) == 32 * 1024
    assert practice.number in done.text
    assert "/deliveries/desk/drills" in overdue
    assert officer.name in result
    assert missing.name in result
    assert sign_in(missing).get(f"/deliveries/practice/{practice.id}").status_code == 404


@pytest.mark.parametrize("kind", ["picture", "pin", "both"])
def test_the_practised_call_for_help_looks_like_a_calm_practice(
    app: Flask, desk_key: Path, sign_in: Callable[[User], FlaskClient], kind: str
) -> None:
    bodies = []
    for each in ("normal", kind):
        practice = make_practice()
        pin = DURESS_PIN if each in ("pin", "both") else PIN
        codes = practice_codes(practice, pin=pin, right=each not in ("picture", "both"))
        form = {"totp": codes.totp, "pin": codes.pin, "card": codes.card, "key": "a-key-of-the-form"}
        done = sign_in(practice.officer).post(f"/deliveries/practice/{practice.id}", data=form)
        bodies.append((done.status_code, len(done.data), masked(done.data)))

    assert bodies[0] == bodies[1]
    assert b"notice-good" in bodies[0][2]


@pytest.mark.parametrize("officers", ["", "x", "-1", "1e999", "NaN", "９", "9" * 400])
def test_odd_numbers_of_officers_plan_nothing(
    app: Flask, sign_in: Callable[[User], FlaskClient], officers: str
) -> None:
    make_officer()

    page = sign_in(make_desk()).post("/deliveries/desk/drills", data={"officers": officers, "due_on": "2026-12-31"})

    assert page.status_code == 200
    assert "field-error" in page.text
    assert db.session.query(Drill).count() == 0
