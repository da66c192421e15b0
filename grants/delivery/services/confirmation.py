"""The handover, confirmed by two factors that two people hold (DELIVERY_PROTOCOL §4 and §6).

Whatever was entered, the same work is done, the same statements run and the same rows are written. Which PIN and
which picture were used is written nowhere but in the box that only the security desk opens.
"""

import base64
import hashlib
import hmac
import json
from dataclasses import dataclass
from datetime import datetime

from flask_babel import lazy_gettext as _
from sqlalchemy import case, update

from grants.access.guard import DELIVERY_CODE
from grants.access.models import AttemptCounter, Factor, User
from grants.access.second_factor import (
    CARD_LIMIT,
    DRIFT_WINDOW,
    TooManyAttempts,
    charge,
    matching_step,
    normal_code,
    refund,
    use_step,
)
from grants.core import journal, outbox
from grants.core.crypto import keyring
from grants.core.db import db, rows_hit
from grants.core.errors import RuleBroken
from grants.delivery import queries
from grants.delivery.models import Delivery, DeliveryState, Duty, OfficerPin, Receipt, Signal, StoredAnswer, SymbolCard
from grants.delivery.services.cards import refuse_card_maker
from grants.delivery.services.clearance import refuse_unless_current
from grants.delivery.services.moves import move, refuse_unless_possible
from grants.delivery.services.pins import FAMILY_DIGITS
from grants.delivery.services.receipts import make_receipt
from grants.delivery.services.runs import NO_DESK_KEY
from grants.delivery.signals import Desk, Facts, seal
from grants.delivery.symbols import CODE_DIGITS, HashCost, matching_position

PIN_DIGITS = 4
TOTP_DIGITS = 6
CARD = "card"  # kind of the counter of failures at one card
NEUTRAL_SUBJECT = "Semilla"
KEY_PATTERN = r"[A-Za-z0-9_-]{8,80}"  # an idempotency key
LONGEST_CODE = 40  # as typed, with spaces

DO_NOT_MATCH = _("The codes do not match. Check the three and try again.")
CLOCK_IS_OFF = _(
    "Your code belongs to another moment. Set your phone's clock to automatic, wait for the next code and try again."
)


class OtherBody(Exception):
    """The idempotency key was used for another request: 422."""


@dataclass(frozen=True, slots=True)
class Codes:
    """What was typed: the officer's delivery code and PIN, and the code of the beneficiary's card."""

    totp: str
    pin: str
    card: str

    def normal(self) -> tuple[str | None, str | None, str | None]:
        """ASCII digits of the right number, or None."""
        return (
            normal_code(self.totp, TOTP_DIGITS),
            normal_code(self.pin, PIN_DIGITS),
            normal_code(self.card, CODE_DIGITS),
        )


@dataclass(frozen=True, slots=True)
class _Found:
    """What the fixed work found."""

    step: int | None
    clock_is_off: bool
    pin_is_true: bool
    pin_is_of_family: bool
    position: int | None

    @property
    def all_right(self) -> bool:
        return (self.step is not None) & self.pin_is_of_family & (self.position is not None)


def charge_card(delivery: Delivery, *, now: datetime) -> None:
    """Count the attempt at the live card before checking it, in a transaction of its own (§4.2)."""
    refuse_unless_possible(delivery, DeliveryState.CONFIRMED)
    refuse_unless_current(delivery, now=now)
    card = _card_of(delivery)
    try:
        charge(CARD, str(card.id), limit=CARD_LIMIT, now=now)
    except TooManyAttempts as error:
        raise TooManyAttempts(
            _("This card is locked after too many wrong codes. Two coordinators must replace it in person.")
        ) from error


def confirm(delivery: Delivery, codes: Codes, *, key: str, desk: Desk | None, by: User, now: datetime) -> Receipt:
    """Record that the kit reached its owner. Exactly one call succeeds; all of it is kept, or nothing.

    The attempt was charged by the guard (officer) and by `charge_card`. `key`: the request's idempotency key.
    """
    if desk is None:
        raise RuleBroken(NO_DESK_KEY)
    refuse_unless_possible(delivery, DeliveryState.CONFIRMED)
    refuse_unless_current(delivery, now=now)
    factor, pin, card = _factors(delivery, by)
    refuse_card_maker(card, by)
    found = _check(codes, factor=factor, pin=pin, card=card, now=now)
    if not found.all_right or found.step is None or found.position is None:
        raise RuleBroken(CLOCK_IS_OFF if found.clock_is_off else DO_NOT_MATCH)
    _use(factor, found.step, card, now=now)
    move(
        delivery, DeliveryState.CONFIRMED, by=by, now=now, duty=Duty.CONFIRM, confirmed_at=now,
        where=(Delivery.officer_id == by.id, Delivery.digest == delivery.digest_over(delivery.person.folio)),
    )  # fmt: skip
    refund(DELIVERY_CODE, str(by.id))
    refund(CARD, str(card.id))
    facts = Facts(delivery.id, by.id, now, found.pin_is_true, found.position, int(card.true_picture or "0"))
    _signal(facts, desk)
    receipt = make_receipt(delivery, now=now)
    _remember(delivery, codes, key=key, by=by, now=now)
    journal.record(by, "handover.confirmed", delivery, at=now)
    return receipt


def answer_before(delivery: Delivery, codes: Codes, *, key: str, by: User) -> Receipt | None:
    """The answer to this very request, if it was answered before. OtherBody when the key served another request.

    The charge of this attempt is taken back: whoever repeats a request that succeeded is not guessing.
    """
    stored = queries.stored_answer(by, key)
    if stored is None:
        return None
    if not hmac.compare_digest(stored.request_hash, _request_hash(delivery, codes, key)):
        raise OtherBody
    _take_back_charge(by)
    return queries.receipt_of(delivery)


def _check(codes: Codes, *, factor: Factor, pin: OfficerPin, card: SymbolCard, now: datetime) -> _Found:
    """Every candidate of every factor is compared, with no early exit."""
    totp, entered_pin, entered_card = codes.normal()
    step = matching_step(factor.seed, totp, now)
    drifted = matching_step(factor.seed, totp, now, window=DRIFT_WINDOW)
    true_pin, typed = str(pin.pin).encode(), (entered_pin or "").encode()
    is_true = hmac.compare_digest(typed, true_pin)
    is_of_family = hmac.compare_digest(typed[:FAMILY_DIGITS], true_pin[:FAMILY_DIGITS])
    cost = HashCost(card.hash_memory_kib, card.hash_time_cost)
    position = matching_position(entered_card, card.code_hashes, card.salt, cost)
    return _Found(step, (step is None) & (drifted is not None), is_true, is_of_family, position)


def _factors(delivery: Delivery, by: User) -> tuple[Factor, OfficerPin, SymbolCard]:
    factor, pin = queries.delivery_factor(by), queries.pin_of(by)
    if factor is None or pin is None:
        raise RuleBroken(_("Set your PIN and your delivery code first, on your own page."))
    return factor, pin, _card_of(delivery)


def _card_of(delivery: Delivery) -> SymbolCard:
    card = queries.live_card(delivery.award_id)
    if card is None or not card.is_ready:
        raise RuleBroken(_("This person has no ready symbol card. Do not hand over; bring the kit back."))
    return card


def _use(factor: Factor, step: int, card: SymbolCard, *, now: datetime) -> None:
    """Use both factors up. Of any number of parallel requests one gets through."""
    if not use_step(factor, step, now=now):
        raise RuleBroken(DO_NOT_MATCH)
    used = db.session.execute(
        update(SymbolCard)
        .where(SymbolCard.id == card.id, SymbolCard.used_at.is_(None), SymbolCard.replaced_at.is_(None))
        .values(used_at=now)
        .execution_options(synchronize_session=False)
    )
    if rows_hit(used) != 1:
        raise RuleBroken(DO_NOT_MATCH)


def _signal(facts: Facts, desk: Desk) -> None:
    """One box and one neutral message for every handover, of one size. Nobody here can open the box."""
    box = seal(facts, desk)
    db.session.add(Signal(delivery_id=facts.delivery_id, created_at=facts.at, box=box))
    body = base64.b64encode(box).decode()
    outbox.add("handover", address=desk.address, subject=NEUTRAL_SUBJECT, body=body, now=facts.at)


def _remember(delivery: Delivery, codes: Codes, *, key: str, by: User, now: datetime) -> None:
    db.session.add(
        StoredAnswer(
            user_id=by.id,
            key=key,
            request_hash=_request_hash(delivery, codes, key),
            delivery_id=delivery.id,
            created_at=now,
        )
    )
    db.session.flush()


def _request_hash(delivery: Delivery, codes: Codes, key: str) -> str:
    """Keyed outside the database: the codes cannot be found by trying."""
    body = json.dumps([delivery.id, key, *codes.normal()]).encode()
    return hmac.new(keyring().derive("delivery:request"), body, hashlib.sha256).hexdigest()


def _take_back_charge(by: User) -> None:
    """One attempt less, not none: repeating an old request must not make room for new guesses."""
    db.session.execute(
        update(AttemptCounter)
        .where(AttemptCounter.kind == DELIVERY_CODE, AttemptCounter.subject == str(by.id))
        .values(
            fails=case((AttemptCounter.fails > 0, AttemptCounter.fails - 1), else_=0),
            day_fails=case((AttemptCounter.day_fails > 0, AttemptCounter.day_fails - 1), else_=0),
        )
        .execution_options(synchronize_session=False)
    )
