"""DELIVERY_PROTOCOL §2: what each level asks for at the handover, and that nothing less confirms."""

import secrets
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import func, select

from grants.access.guard import DELIVERY_CODE
from grants.access.models import AttemptCounter, UsedStep
from grants.access.permissions import Role
from grants.access.second_factor import TooManyAttempts
from grants.core.db import db
from grants.core.errors import RuleBroken
from grants.core.outbox import OutboxMessage
from grants.delivery import queries, services
from grants.delivery.desk.boxes import unseal
from grants.delivery.models import (
    ControlCode,
    DeliveryEvent,
    DeliveryState,
    Duty,
    DutyHeld,
    Receipt,
    Signal,
    StoredAnswer,
    TeamMember,
)
from grants.delivery.services import Codes
from grants.delivery.services.attempts import CARD, CONTROL
from grants.delivery.services.confirmation import DO_NOT_MATCH, OtherBody
from grants.delivery.signals import Facts
from tests.factories.access import make_user
from tests.factories.delivery import CHEAP, DESK, DESK_PRIVATE, DURESS_PIN, PIN, make_officer, totp_at
from tests.factories.levels import SECOND_DURESS_PIN, SECOND_PIN, Team, make_at_point

NOW = datetime(2026, 3, 2, 15, 0, tzinfo=UTC)
LATER = NOW + timedelta(minutes=5)
ROWS = (UsedStep, Signal, OutboxMessage, Receipt, StoredAnswer, DeliveryEvent, DutyHeld)
FULL_WIDTH = str.maketrans("0123456789", "０１２３４５６７８９")


def confirm(team: Team, codes: Codes, now: datetime = LATER, *, key: str = "") -> Receipt:
    return services.confirm(
        team.delivery, codes, key=key or secrets.token_urlsafe(12), desk=DESK, by=team.carried.officer, now=now
    )


def counts() -> dict[str, int]:
    return {table.__tablename__: db.session.scalar(select(func.count()).select_from(table)) or 0 for table in ROWS}


def refused(team: Team, codes: Codes, now: datetime = LATER) -> RuleBroken:
    """The refusal, after making sure that nothing was left behind."""
    db.session.commit()
    before = counts()
    with pytest.raises(RuleBroken) as refusal:
        confirm(team, codes, now)
    db.session.rollback()
    assert team.delivery.state is DeliveryState.AT_POINT
    assert team.carried.card.used_at is None
    assert counts() == before
    return refusal.value


def fails(kind: str, subject: int) -> int:
    return queries.failures(kind, str(subject))


def facts_of(team: Team) -> Facts:
    box = db.session.scalars(select(Signal.box).where(Signal.delivery_id == team.delivery.id)).one()
    return unseal(box, DESK_PRIVATE)


@pytest.mark.parametrize(("level", "steps", "duties"), [(1, 1, 1), (2, 2, 2), (3, 2, 2)])
def test_right_codes_confirm_and_leave_one_row_of_each(app: Flask, level: int, steps: int, duties: int) -> None:
    team = make_at_point(level, at=NOW)
    codes = team.codes(LATER)
    db.session.commit()
    before = counts()

    confirm(team, codes)

    grown = {name: number - before[name] for name, number in counts().items()}
    assert team.delivery.state is DeliveryState.CONFIRMED
    assert grown == {
        "used_step": steps, "signal": 1, "outbox_message": 2, "receipt": 1, "stored_answer": 1,
        "delivery_event": 1, "duty_held": duties,
    }  # fmt: skip
    assert not facts_of(team).is_alarm


def test_level_two_gives_both_officers_the_duty(app: Flask) -> None:
    team = make_at_point(2, at=NOW)

    confirm(team, team.codes(LATER))

    holders = select(DutyHeld.user_id).where(DutyHeld.delivery_id == team.delivery.id, DutyHeld.duty == Duty.CONFIRM)
    assert set(db.session.scalars(holders)) == {team.carried.officer.id, team.second.id}


WRONG: dict[str, Any] = {
    "totp": "000000", "pin": "9999", "card": "0000000000", "second_totp": "000000", "second_pin": "9999",
    "control": "00000000",
}  # fmt: skip
BY_LEVEL = [(2, name) for name in ("totp", "pin", "card", "second_totp")] + [(3, name) for name in WRONG]


@pytest.mark.parametrize(("level", "wrong"), BY_LEVEL)
def test_any_wrong_factor_gets_the_same_sentence(app: Flask, level: int, wrong: str) -> None:
    team = make_at_point(level, at=NOW)
    right = team.codes(LATER)

    for entered in (WRONG[wrong], "", getattr(right, wrong).translate(FULL_WIDTH)):
        refusal = refused(team, replace(right, **{wrong: entered}))
        assert refusal.message == DO_NOT_MATCH
        assert refusal.field is None

    confirm(team, right)
    assert team.delivery.state is DeliveryState.CONFIRMED


def test_codes_are_taken_in_groups(app: Flask) -> None:
    team = make_at_point(3, at=NOW)
    right = team.codes(LATER)

    confirm(team, replace(right, control=f"{right.control[:4]} {right.control[4:]}\t", second_pin=" 83 06"))

    assert team.delivery.state is DeliveryState.CONFIRMED


@pytest.mark.parametrize("level", [2, 3])
def test_codes_of_a_lower_level_do_not_confirm(app: Flask, level: int) -> None:
    team = make_at_point(level, at=NOW)

    assert refused(team, team.carried.codes(LATER)).field == "second_officer"
    team.level = level - 1
    refused(team, team.codes(LATER))


@pytest.mark.parametrize("who", ["first", "stranger", "desk", "nobody", "busy", "suspended", "without a PIN"])
def test_second_officer_is_another_free_one_of_the_team(app: Flask, who: str) -> None:
    team = make_at_point(2, at=NOW)
    chosen = {"first": team.carried.officer, "stranger": make_officer(), "desk": team.desk}.get(who, team.second)
    if who == "busy":
        db.session.add(DutyHeld(delivery_id=team.delivery.id, user_id=team.second.id, duty=Duty.APPROVE))
    elif who == "suspended":
        team.second.suspended_at = NOW
    elif who == "without a PIN":
        db.session.delete(queries.pin_of(team.second))
    db.session.flush()
    codes = team.codes(LATER, second_officer=None if who == "nobody" else chosen.id,
                       second_totp=totp_at(chosen, LATER))  # fmt: skip

    assert refused(team, codes).field == "second_officer"
    with pytest.raises(RuleBroken):
        services.charge_attempt(team.delivery, codes, now=LATER)
    assert fails(CARD, team.carried.card.id) == 0


def test_code_of_the_second_officer_serves_once(app: Flask) -> None:
    one = make_at_point(2, at=NOW)
    confirm(one, one.codes(LATER))
    other = make_at_point(2, at=NOW)
    for member in db.session.query(TeamMember).filter_by(user_id=one.second.id):
        member.left_at = NOW  # nobody is in two live teams
    db.session.flush()
    db.session.add(TeamMember(team_id=other.delivery.run.team.id, user_id=one.second.id))
    db.session.flush()

    codes = other.codes(LATER, second_officer=one.second.id, second_totp=totp_at(one.second, LATER))
    assert refused(other, codes).message == DO_NOT_MATCH


@pytest.mark.parametrize(
    ("level", "expected"),
    [(1, {CARD: 1}), (2, {CARD: 1, DELIVERY_CODE: 1}), (3, {CARD: 1, DELIVERY_CODE: 1, CONTROL: 1})],
)
def test_every_factor_that_is_tried_is_charged_first_and_refunded_at_the_end(
    app: Flask, level: int, expected: dict[str, int]
) -> None:
    team = make_at_point(level, at=NOW)
    codes = team.codes(LATER)
    subjects = {CARD: team.carried.card.id, DELIVERY_CODE: team.second.id, CONTROL: team.delivery.id}
    before = {kind: fails(kind, subject) for kind, subject in subjects.items()}

    services.charge_attempt(team.delivery, codes, now=LATER)
    charged = {kind: fails(kind, subject) - before[kind] for kind, subject in subjects.items()}
    services.charge_officer(team.carried.officer, now=LATER)
    confirm(team, codes)

    assert {kind: number for kind, number in charged.items() if number} == expected
    left = [fails(kind, subjects[kind]) for kind in expected]
    assert left == [0] * len(expected)
    assert fails(DELIVERY_CODE, team.carried.officer.id) == 0


def test_five_wrong_control_codes_lock_and_a_new_code_does_not_unlock(app: Flask) -> None:
    team = make_at_point(3, at=NOW)
    for number in range(5):
        wrong = team.codes(LATER, control=f"{number:08d}")
        services.charge_attempt(team.delivery, wrong, now=LATER + timedelta(hours=number))
        refused(team, wrong)
        if number < 4:
            team.control_code(LATER)

    with pytest.raises(TooManyAttempts):
        services.charge_attempt(team.delivery, team.codes(LATER, control="00000009"), now=LATER + timedelta(days=1))
    with pytest.raises(TooManyAttempts):
        team.control_code(LATER)
    assert fails(CONTROL, team.delivery.id) == 5


def test_control_code_ends_with_time_and_with_the_next_one(app: Flask) -> None:
    team = make_at_point(3, at=NOW)
    early = team.control_code(NOW)

    too_late = NOW + timedelta(minutes=10)
    assert refused(team, team.codes(too_late, control=early), too_late).message == DO_NOT_MATCH
    second = team.control_code(LATER)
    assert refused(team, team.codes(LATER, control=early)).message == DO_NOT_MATCH
    confirm(team, team.codes(LATER, control=second))

    db.session.expire_all()
    rows = db.session.scalars(select(ControlCode).order_by(ControlCode.turn)).all()
    assert [(row.ended_at, row.used_at) for row in rows] == [(LATER, None), (None, LATER)]


def test_control_code_is_bound_to_what_is_handed_over(app: Flask) -> None:
    team = make_at_point(3, at=NOW)
    codes = team.codes(LATER)
    team.delivery.kit_version = 2
    team.delivery.digest = team.delivery.digest_over(team.delivery.receiver_folio)
    db.session.flush()

    assert refused(team, codes).message == DO_NOT_MATCH


def test_control_code_of_another_delivery_does_not_serve(app: Flask) -> None:
    team, other = make_at_point(3, at=NOW), make_at_point(3, at=NOW)
    team.control_code(LATER)

    assert refused(team, team.codes(LATER, control=other.control_code(LATER))).message == DO_NOT_MATCH


def test_control_code_comes_from_somebody_with_no_other_part(app: Flask) -> None:
    team = make_at_point(3, at=NOW)
    approver = make_user(Role.DESK)
    db.session.add(DutyHeld(delivery_id=team.delivery.id, user_id=approver.id, duty=Duty.PACK))
    db.session.commit()

    for who in (approver, team.carried.officer, team.second):
        with pytest.raises(RuleBroken):
            services.give_control_code(team.delivery, cost=CHEAP, by=who, now=LATER)
        db.session.rollback()

    assert db.session.scalar(select(func.count()).select_from(ControlCode)) == 0
    team.control_code(LATER)
    assert queries.duty_of(team.delivery, team.desk) is Duty.CONFIRM


@pytest.mark.parametrize("level", [1, 2])
def test_no_control_code_below_level_three(app: Flask, level: int) -> None:
    team = make_at_point(level, at=NOW)

    with pytest.raises(RuleBroken):
        team.control_code(LATER)

    assert db.session.scalar(select(func.count()).select_from(ControlCode)) == 0


def test_control_code_is_not_in_its_row(app: Flask) -> None:
    team = make_at_point(3, at=NOW)
    code = team.control_code(LATER)

    row = db.session.scalars(select(ControlCode)).one()

    assert len(code) == 8
    assert code.encode() not in row.code_hash + row.salt
    assert len(row.code_hash) == 32


@pytest.mark.parametrize("level", [2, 3])
def test_duress_of_the_first_officer_is_told_to_the_desk(app: Flask, level: int) -> None:
    team = make_at_point(level, at=NOW)

    confirm(team, team.codes(LATER, pin=DURESS_PIN))

    facts = facts_of(team)
    assert (facts.is_alarm, facts.pin_is_true, facts.second_pin_is_true) == (True, False, True)


def test_duress_of_the_second_officer_is_told_to_the_desk(app: Flask) -> None:
    team = make_at_point(3, at=NOW)

    confirm(team, team.codes(LATER, second_pin=SECOND_DURESS_PIN))

    facts = facts_of(team)
    assert (facts.is_alarm, facts.pin_is_true, facts.second_pin_is_true) == (True, True, False)
    assert (facts.officer_id, facts.second_officer_id) == (team.carried.officer.id, team.second.id)
    assert SECOND_PIN[:2] == SECOND_DURESS_PIN[:2]


def test_same_key_takes_the_whole_request(app: Flask) -> None:
    team = make_at_point(3, at=NOW)
    codes = team.codes(LATER)
    receipt = confirm(team, codes, key="one-key-for-all")
    by = team.carried.officer

    assert services.answer_before(team.delivery, codes, key="one-key-for-all", by=by) is receipt
    spaced = replace(codes, control=f" {codes.control}")
    assert services.answer_before(team.delivery, spaced, key="one-key-for-all", by=by) is receipt
    for name, other in (("second_officer", 1), ("second_totp", "1" * 6), ("second_pin", PIN), ("control", "1" * 8),
                        ("phone", "1" * 8)):  # fmt: skip
        with pytest.raises(OtherBody):
            services.answer_before(team.delivery, replace(codes, **{name: other}), key="one-key-for-all", by=by)


def test_request_that_lost_against_itself_gives_all_charges_back(app: Flask) -> None:
    team = make_at_point(3, at=NOW)
    codes = team.codes(LATER)
    confirm(team, codes, key="one-key-for-all")
    for row in db.session.scalars(select(AttemptCounter)):
        row.fails = 1
    db.session.commit()

    services.answer_before(team.delivery, codes, key="one-key-for-all", by=team.carried.officer, all_charged=True)
    db.session.expire_all()

    assert fails(DELIVERY_CODE, team.second.id) == 0
    assert fails(DELIVERY_CODE, team.carried.officer.id) == 0
    assert fails(CONTROL, team.delivery.id) == 0


def test_codes_show_nothing_of_themselves() -> None:
    shown = repr(Codes(totp="123456", pin="4715", card="1234567890", control="12345678"))

    assert not any(code in shown for code in ("123456", "4715"))
