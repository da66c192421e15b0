"""The monthly drill: practice handovers of officers drawn by lot, in a table of their own (§6)."""

import hmac
import secrets
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from flask_babel import lazy_gettext as _
from sqlalchemy import update

from grants.access.guard import DELIVERY_CODE
from grants.access.models import Factor, User
from grants.access.second_factor import matching_step, normal_code, refund, use_step
from grants.core import journal
from grants.core.clock import local_day
from grants.core.db import db, rows_hit
from grants.core.errors import RuleBroken
from grants.delivery import queries
from grants.delivery.models import PICTURES, Drill, DrillDelivery, OfficerPin, Signal
from grants.delivery.services.alerts import announce
from grants.delivery.services.confirmation import DO_NOT_MATCH
from grants.delivery.services.entered import PIN_DIGITS, TOTP_DIGITS, Codes
from grants.delivery.services.pins import FAMILY_DIGITS
from grants.delivery.services.receipts import new_number
from grants.delivery.services.runs import NO_DESK_KEY
from grants.delivery.signals import Desk, Facts, Kind, seal
from grants.delivery.symbols import (
    CODE_DIGITS,
    SALT_BYTES,
    HashCost,
    hash_codes,
    matching_position,
    new_codes,
    tag_key,
)

LONGEST = timedelta(days=31)


@dataclass(frozen=True, slots=True)
class _Said:
    """What the fixed work found in the three codes."""

    step: int | None
    pin_is_true: bool
    pin_is_of_family: bool
    position: int | None


def plan_drill(*, officers: int, due_on: date, cost: HashCost, by: User, now: datetime) -> Drill:
    """Draw this many officers by lot and give each a practice handover with a training card."""
    able = queries.officers()
    if not able:
        raise RuleBroken(_("No officer has a PIN and a delivery code yet. They set them on their own page."))
    if not 1 <= officers <= len(able):
        raise RuleBroken(_("Choose between 1 and %(most)d officers.", most=len(able)), field="officers")
    if not local_day(now) <= due_on <= local_day(now) + LONGEST:
        raise RuleBroken(_("Choose a day from today until 31 days from now."), field="due_on")
    drill = Drill(due_on=due_on, planned_by_id=by.id, planned_at=now)
    db.session.add(drill)
    db.session.flush()
    for officer in secrets.SystemRandom().sample(able, officers):
        db.session.add(_practice(drill, officer, cost))
    db.session.flush()
    journal.record(by, "drill.planned", drill, at=now, officers=officers)
    return drill


def practise(practice: DrillDelivery, codes: Codes, *, desk: Desk | None, by: User, now: datetime) -> None:
    """The practice handover, checked as a real one is. The attempt was charged by the guard."""
    if desk is None:
        raise RuleBroken(NO_DESK_KEY)
    if practice.drill.due_on < local_day(now):
        raise RuleBroken(_("This drill is over. The next one will be on your page when it is planned."))
    factor, pin = queries.delivery_factor(by), queries.pin_of(by)
    if factor is None or pin is None:
        raise RuleBroken(_("Set your PIN and your delivery code first, on your own page."))
    said = _check(codes, practice, factor, pin, now=now)
    if (said.step is None) | (not said.pin_is_of_family) | (said.position is None):
        raise RuleBroken(DO_NOT_MATCH)
    _use(factor, said.step or 0, practice, now=now)
    refund(DELIVERY_CODE, str(by.id))
    position, true = said.position or 0, int(practice.true_picture)
    box = seal(Facts(practice.id, by.id, now, said.pin_is_true, position, true, kind=Kind.DRILL), desk)
    db.session.add(Signal(drill_delivery_id=practice.id, created_at=now, box=box))
    announce(box, desk, now=now)
    journal.record(by, "drill.practised", practice, at=now)


def _practice(drill: Drill, officer: User, cost: HashCost) -> DrillDelivery:
    salt = secrets.token_bytes(SALT_BYTES)
    codes, _tag = new_codes(tag_key(salt))
    practice = DrillDelivery(
        number=new_number(), drill_id=drill.id, officer_id=officer.id, salt=salt, hash_memory_kib=cost.memory_kib,
        hash_time_cost=cost.time_cost, code_hashes=hash_codes(codes, salt, cost),
    )  # fmt: skip
    practice.codes, practice.true_picture = codes, str(secrets.randbelow(len(PICTURES)))
    return practice


def _check(codes: Codes, practice: DrillDelivery, factor: Factor, pin: OfficerPin, *, now: datetime) -> _Said:
    """Every candidate is compared, with no early exit, as at a real handover."""
    step = matching_step(factor.seed, normal_code(codes.totp, TOTP_DIGITS), now)
    typed, true = (normal_code(codes.pin, PIN_DIGITS) or "").encode(), str(pin.pin).encode()
    is_true = hmac.compare_digest(typed, true)
    is_of_family = hmac.compare_digest(typed[:FAMILY_DIGITS], true[:FAMILY_DIGITS])
    cost = HashCost(practice.hash_memory_kib, practice.hash_time_cost)
    entered = normal_code(codes.card, CODE_DIGITS)
    return _Said(step, is_true, is_of_family, matching_position(entered, practice.code_hashes, practice.salt, cost))


def _use(factor: Factor, step: int, practice: DrillDelivery, *, now: datetime) -> None:
    if not use_step(factor, step, now=now):
        raise RuleBroken(DO_NOT_MATCH)
    done = db.session.execute(
        update(DrillDelivery)
        .where(DrillDelivery.id == practice.id, DrillDelivery.done_at.is_(None))
        .values(done_at=now)
        .execution_options(synchronize_session=False)
    )
    if rows_hit(done) != 1:
        raise RuleBroken(_("You have practised this already."))
    db.session.refresh(practice)
