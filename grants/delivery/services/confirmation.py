"""The handover, confirmed by factors that different people hold (DELIVERY_PROTOCOL §4 and §6).

Whatever was entered, the same work is done, the same statements run and the same rows are written. Which PIN and
which picture were used is written nowhere but in the box that only the security desk opens.
"""

import hashlib
import hmac
import json
from datetime import datetime, timedelta

from flask_babel import lazy_gettext as _
from sqlalchemy import delete

from grants.access.models import User
from grants.core import journal
from grants.core.crypto import keyring, token_hash
from grants.core.db import db, rows_hit
from grants.core.errors import RuleBroken
from grants.delivery import queries
from grants.delivery.models import Delivery, DeliveryState, Duty, Receipt, Signal, StoredAnswer
from grants.delivery.services.alerts import announce
from grants.delivery.services.attempts import CARD, refund_all, take_back_charge, take_back_others
from grants.delivery.services.cards import refuse_card_maker
from grants.delivery.services.clearance import refuse_unless_current
from grants.delivery.services.entered import KEY_PATTERN, LONGEST_CODE, Codes
from grants.delivery.services.factors import Asked, Found, check, gather, use_up
from grants.delivery.services.moves import move, refuse_unless_possible, take_duty
from grants.delivery.services.receipts import make_receipt
from grants.delivery.services.runs import NO_DESK_KEY
from grants.delivery.signals import Desk, Facts, seal

__all__ = ["CARD", "CLOCK_IS_OFF", "DO_NOT_MATCH", "KEY_PATTERN", "LONGEST_CODE", "Codes", "OtherBody",
           "answer_before", "confirm", "forget_answers"]  # fmt: skip

KEPT_FOR = timedelta(days=7)  # nobody repeats a request after that
DO_NOT_MATCH = _("The codes do not match. Check each of them and try again.")
CLOCK_IS_OFF = _(
    "Your code belongs to another moment. Set your phone's clock to automatic, wait for the next code and try again."
)


class OtherBody(Exception):
    """The idempotency key was used for another request: 422."""


def confirm(delivery: Delivery, codes: Codes, *, key: str, desk: Desk | None, by: User, now: datetime) -> Receipt:
    """Record that the kit reached its owner. Exactly one call succeeds; all of it is kept, or nothing.

    The attempt was charged by the guard (officer) and by `charge_attempt`. `key`: the request's idempotency key.
    """
    if desk is None:
        raise RuleBroken(NO_DESK_KEY)
    refuse_unless_possible(delivery, DeliveryState.CONFIRMED)
    refuse_unless_current(delivery, now=now)
    asked = gather(delivery, codes, by=by)
    for one in filter(None, (asked.first, asked.second)):
        refuse_card_maker(asked.card, one.user)
    found = check(asked, codes, now=now)
    if not found.all_right:
        raise RuleBroken(CLOCK_IS_OFF if found.clock_is_off else DO_NOT_MATCH)
    if not use_up(asked, found, now=now):
        raise RuleBroken(DO_NOT_MATCH)
    move(
        delivery, DeliveryState.CONFIRMED, by=by, now=now, duty=Duty.CONFIRM, confirmed_at=now,
        where=(Delivery.officer_id == by.id, Delivery.digest == delivery.digest_over(delivery.receiver_folio)),
    )  # fmt: skip
    if asked.second is not None:
        take_duty(delivery, Duty.CONFIRM, by=asked.second.user)
    refund_all(delivery, asked)
    _signal(_facts(delivery, asked, found, by=by, now=now), desk)
    receipt = make_receipt(delivery, now=now)
    _remember(delivery, codes, key=key, by=by, now=now)
    journal.record(by, "handover.confirmed", delivery, at=now)
    return receipt


def answer_before(delivery: Delivery, codes: Codes, *, key: str, by: User, all_charged: bool = False) -> Receipt | None:
    """The answer to this very request, if it was answered before. OtherBody when the key served another request.

    The charge of this attempt is taken back: whoever repeats a request that succeeded is not guessing.
    `all_charged`: so were the factors besides the officer's.
    """
    stored = queries.stored_answer(by, key)
    if stored is None:
        return None
    if not hmac.compare_digest(stored.request_hash, _request_hash(delivery, codes, key)):
        raise OtherBody
    take_back_charge(by)
    if all_charged:
        take_back_others(delivery, codes)
    return queries.receipt_of(delivery)


def forget_answers(*, now: datetime) -> int:
    """Delete the stored answers that are older than KEPT_FOR; returns how many. Safe to run twice."""
    old = delete(StoredAnswer).where(StoredAnswer.created_at < now - KEPT_FOR)
    return rows_hit(db.session.execute(old.execution_options(synchronize_session=False)))


def _facts(delivery: Delivery, asked: Asked, found: Found, *, by: User, now: datetime) -> Facts:
    return Facts(
        delivery.id, by.id, now, found.pin_is_true, found.position or 0, int(asked.card.true_picture or "0"),
        second_pin_is_true=found.second_pin_is_true, second_officer_id=asked.second.user.id if asked.second else 0,
    )  # fmt: skip


def _signal(facts: Facts, desk: Desk) -> None:
    """One box and two neutral messages for every handover, of one size. Nobody here can open the box."""
    box = seal(facts, desk)
    db.session.add(Signal(delivery_id=facts.delivery_id, created_at=facts.at, box=box))
    announce(box, desk, now=facts.at)


def _remember(delivery: Delivery, codes: Codes, *, key: str, by: User, now: datetime) -> None:
    db.session.add(
        StoredAnswer(
            user_id=by.id,
            key_hash=token_hash(key),
            request_hash=_request_hash(delivery, codes, key),
            delivery_id=delivery.id,
            created_at=now,
        )
    )
    db.session.flush()


def _request_hash(delivery: Delivery, codes: Codes, key: str) -> str:
    """Made under the request's own key, which is kept nowhere: whoever has the database, the server's keys too, cannot
    find the codes by trying them. The server's key before it, so that a key too easy to guess needs both.
    """
    secret = keyring().derive("delivery:request") + key.encode()
    return hmac.new(secret, json.dumps([delivery.id, *codes.normal()]).encode(), hashlib.sha256).hexdigest()
