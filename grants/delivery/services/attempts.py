"""Attempts at a handover: every factor that is tried is charged before any is checked (DELIVERY_PROTOCOL §4.2)."""

from datetime import datetime

from flask_babel import lazy_gettext as _
from sqlalchemy import case, update

from grants.access.guard import DELIVERY_CODE
from grants.access.models import AttemptCounter, User
from grants.access.second_factor import CARD_LIMIT, CODE_LIMIT, Charge, TooManyAttempts, charge, refund, take_back
from grants.core.db import db, transaction
from grants.delivery.levels import Factors
from grants.delivery.models import Delivery, DeliveryState
from grants.delivery.services.clearance import refuse_unless_current
from grants.delivery.services.entered import Codes
from grants.delivery.services.factors import Asked, card_of, factors_of, is_by_phone, second_of
from grants.delivery.services.moves import refuse_unless_possible

# Kinds of counters. The subject of a card's is its id; of the others', the delivery's: a new code resets nothing.
CARD, CONTROL, PHONE = "card", "control_code", "phone_code"
SPOKEN_LIMIT = CARD_LIMIT
Counter = tuple[str, str]

CARD_LOCKED = _("This card is locked after too many wrong codes. Two coordinators must replace it in person.")
CONTROL_LOCKED = _("The control-room code of this delivery is locked after too many wrong ones. Bring the kit back.")
PHONE_LOCKED = _("The code by phone is locked for this delivery after too many wrong ones. Use the card.")
SECOND_WAITS = _("The second officer had too many wrong attempts. Choose another officer, or wait.")


def charge_attempt(delivery: Delivery, codes: Codes, *, now: datetime) -> list[Charge]:
    """Count the attempt at every factor that is tried, each in a transaction of its own. The guard charged the first.

    What is refused here was not looked at: a wrong choice of person or way, a delivery that does not stand, and a
    factor that is locked, which takes the attempts at the others back.
    """
    refuse_unless_possible(delivery, DeliveryState.CONFIRMED)
    refuse_unless_current(delivery, now=now)
    second, card, by_phone = second_of(delivery, codes), card_of(delivery, codes), is_by_phone(delivery, codes)
    tried: list[tuple[Counter, object]] = []
    if second is not None:
        tried.append(((DELIVERY_CODE, str(second.id)), SECOND_WAITS))
    if factors_of(delivery) is Factors.TWO_A_B_CONTROL:
        tried.append(((CONTROL, str(delivery.id)), CONTROL_LOCKED))
    tried.append(((PHONE, str(delivery.id)), PHONE_LOCKED) if by_phone else ((CARD, str(card.id)), CARD_LOCKED))
    charged: list[Charge] = []
    try:
        for counter, sentence in tried:
            charged.append(_charge(counter, sentence, now))
    except TooManyAttempts:
        with transaction():
            take_back(charged)
        raise
    return charged


def refund_all(delivery: Delivery, asked: Asked) -> None:
    """All of them were right: forget the failures, inside the caller's transaction."""
    counters = [(DELIVERY_CODE, str(asked.first.user.id))]
    counters.append((PHONE, str(delivery.id)) if asked.by_phone else (CARD, str(asked.card.id)))
    if asked.second is not None:
        counters.append((DELIVERY_CODE, str(asked.second.user.id)))
    if asked.level is Factors.TWO_A_B_CONTROL:
        counters.append((CONTROL, str(delivery.id)))
    # In one order, so that two officers who confirm for each other do not wait for each other.
    for kind, subject in sorted(counters):
        refund(kind, subject)


def take_back_charge(by: User) -> None:
    """One attempt less, not none: repeating an old request must not make room for new guesses."""
    _take_back((DELIVERY_CODE, str(by.id)))


def take_back_others(delivery: Delivery, codes: Codes) -> None:
    """The same for the other factors of a request that was overtaken by itself."""
    if codes.second_officer is not None and factors_of(delivery) is not Factors.A_B:
        _take_back((DELIVERY_CODE, str(codes.second_officer)))
    for kind in (CONTROL, PHONE):
        _take_back((kind, str(delivery.id)))


def _charge(counter: Counter, sentence: object, now: datetime) -> Charge:
    kind, subject = counter
    try:
        return charge(kind, subject, limit=CODE_LIMIT if kind == DELIVERY_CODE else SPOKEN_LIMIT, now=now)
    except TooManyAttempts as error:
        raise TooManyAttempts(sentence) from error


def _take_back(counter: Counter) -> None:
    kind, subject = counter
    db.session.execute(
        update(AttemptCounter)
        .where(AttemptCounter.kind == kind, AttemptCounter.subject == subject)
        .values(
            fails=case((AttemptCounter.fails > 0, AttemptCounter.fails - 1), else_=0),
            day_fails=case((AttemptCounter.day_fails > 0, AttemptCounter.day_fails - 1), else_=0),
        )
        .execution_options(synchronize_session=False)
    )
