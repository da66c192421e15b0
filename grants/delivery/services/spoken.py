"""Codes given for one delivery at its point: by the control room's voice, or to the beneficiary's phone."""

import secrets
from datetime import datetime, timedelta
from typing import TypeVar

from flask_babel import force_locale, gettext
from flask_babel import lazy_gettext as _
from sqlalchemy import update
from sqlalchemy.exc import IntegrityError

from grants.access.models import User
from grants.access.second_factor import TooManyAttempts
from grants.core import journal, outbox
from grants.core.db import db
from grants.core.errors import RuleBroken
from grants.delivery import queries
from grants.delivery.levels import Factors
from grants.delivery.models import ControlCode, Delivery, DeliveryState, Duty, PhoneCode
from grants.delivery.services.attempts import CONTROL, CONTROL_LOCKED, PHONE, PHONE_LOCKED, SPOKEN_LIMIT
from grants.delivery.services.clearance import refuse_unless_current
from grants.delivery.services.entered import SPOKEN_DIGITS
from grants.delivery.services.factors import factors_of
from grants.delivery.services.moves import refuse_unless_possible, take_duty
from grants.delivery.symbols import SALT_BYTES, HashCost, slow_hash
from grants.people.models import ContactPoint

Given = TypeVar("Given", ControlCode, PhoneCode)

LASTS = timedelta(minutes=10)
FRESH_NUMBER = timedelta(days=7)  # a number that changed proves nothing for so long
SENT_AN_HOUR = 3
LANGUAGE = "es"  # of the people who receive


def give_control_code(delivery: Delivery, *, cost: HashCost, by: User, now: datetime) -> str:
    """A code for the officer at the point, to be said by voice. Shown once; the earlier one ends.

    Failures count on: a new code resets nothing. Whoever gives it does no other part of this delivery.
    """
    refuse_unless_possible(delivery, DeliveryState.CONFIRMED)
    refuse_unless_current(delivery, now=now)
    if factors_of(delivery) is not Factors.TWO_A_B_CONTROL:
        raise RuleBroken(_("At its level this delivery takes no code of the control room."))
    _refuse_locked(CONTROL, delivery, CONTROL_LOCKED)
    if queries.was_on_the_team(delivery, by):
        raise RuleBroken(_("You are of the team of this delivery. Somebody else must give its code."))
    if queries.duty_of(delivery, by) is not Duty.CONFIRM:
        take_duty(delivery, Duty.CONFIRM, by=by)
    code = _give(ControlCode, delivery, cost, by=by, now=now)
    journal.record(by, "control_code.given", delivery, at=now)
    return code


def send_phone_code(delivery: Delivery, *, cost: HashCost, by: User, now: datetime) -> None:
    """Factor C for a person who has no card: a code to their own number, by the outbox. The earlier one ends."""
    refuse_unless_possible(delivery, DeliveryState.CONFIRMED)
    refuse_unless_current(delivery, now=now)
    if delivery.officer_id != by.id:
        raise RuleBroken(_("Another officer carries this delivery. Yours are under “My deliveries”."))
    if factors_of(delivery) is not Factors.A_B or delivery.alternate is not None:
        raise RuleBroken(_("This delivery takes the code of the card. A code by phone does not serve."))
    _refuse_locked(PHONE, delivery, PHONE_LOCKED)
    if queries.given_since(PhoneCode, delivery, now - timedelta(hours=1)) >= SENT_AN_HOUR:
        raise RuleBroken(_("Enough codes were sent within an hour. Use the newest, or wait."))
    phone = _number_of(delivery, now)
    if queries.wrote_down(by, phone):
        raise RuleBroken(_("You wrote this person's number down yourself: a code to it proves nothing. Use the card."))
    code = _give(PhoneCode, delivery, cost, by=by, now=now)
    with force_locale(LANGUAGE):
        text = gettext("Your code is %(code)s. It serves once, for 10 minutes. Say it only to whom you meet.",
                       code=f"{code[:4]} {code[4:]}")  # fmt: skip
    # The subject says until when it is worth sending: a short message has none of its own.
    outbox.add(PHONE, address=phone.value, subject=(now + LASTS).isoformat(), body=text, now=now)
    journal.record(by, "phone_code.sent", delivery, at=now)


def _number_of(delivery: Delivery, now: datetime) -> ContactPoint:
    phone = queries.own_phone(delivery.person)
    if phone is None:
        raise RuleBroken(_("No own number of this person is known that is safe to use. Use the card."))
    if phone.added_at is None or now - phone.added_at < FRESH_NUMBER:
        raise RuleBroken(_("The number of this person changed in the last seven days. Use the card."))
    return phone


def _refuse_locked(kind: str, delivery: Delivery, sentence: object) -> None:
    if queries.failures(kind, str(delivery.id)) >= SPOKEN_LIMIT.hard_stop:
        raise TooManyAttempts(sentence)


def _give(table: type[Given], delivery: Delivery, cost: HashCost, *, by: User, now: datetime) -> str:
    """End the live code and keep a new one. Of two given at one moment one is refused."""
    code, salt = f"{secrets.randbelow(10**SPOKEN_DIGITS):0{SPOKEN_DIGITS}d}", secrets.token_bytes(SALT_BYTES)
    turn = 1 + queries.last_turn(table, delivery)
    db.session.execute(
        update(table)
        .where(table.delivery_id == delivery.id, table.used_at.is_(None), table.ended_at.is_(None))
        .values(ended_at=now)
        .execution_options(synchronize_session=False)
    )
    row = table(
        delivery_id=delivery.id, turn=turn, salt=salt, code_hash=slow_hash(code, salt, cost),
        hash_memory_kib=cost.memory_kib, hash_time_cost=cost.time_cost, digest=delivery.digest, given_by_id=by.id,
        given_at=now, expires_at=now + LASTS,
    )  # fmt: skip
    try:
        with db.session.begin_nested():
            db.session.add(row)
    except IntegrityError as error:
        raise RuleBroken(_("A code was given at this very moment. Use that one, or wait a little.")) from error
    return code
