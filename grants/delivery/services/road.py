"""On the road: the warehouse releases a kit to an officer, who carries it to the point or brings it back."""

from dataclasses import dataclass
from datetime import UTC, datetime

from flask_babel import lazy_gettext as _

from grants.access.guard import DELIVERY_CODE
from grants.access.models import User
from grants.access.permissions import Role
from grants.access.second_factor import CODE_LIMIT, charge, matching_step, normal_code, refund, use_step
from grants.core.db import db
from grants.core.errors import RuleBroken
from grants.delivery import queries
from grants.delivery.models import Delivery, DeliveryState, Duty, Reason
from grants.delivery.services.moves import move, refuse_unless_possible
from grants.delivery.signals import Desk

NO_DESK_KEY = _("The security desk has not set its key. Ask the desk to set it; until then no kit may leave.")


@dataclass(frozen=True, slots=True)
class Stop:
    """Where and when, encrypted in the row and shown to the carrying officer only."""

    place: str
    scheduled_for: datetime


@dataclass(frozen=True, slots=True)
class ReleaseCodes:
    """The current delivery code of the person who releases, and of the officer who takes over."""

    warehouse: str
    officer: str


def charge_officer(officer: User, *, now: datetime) -> None:
    """Count the attempt at the officer's code before checking it, in a transaction of its own (§4.2)."""
    charge(DELIVERY_CODE, str(officer.id), limit=CODE_LIMIT, now=now)


def release(
    delivery: Delivery, *, officer: User, stop: Stop, codes: ReleaseCodes, desk: Desk | None, by: User, now: datetime
) -> None:
    """Hand the sealed kit to one officer. Both give their code; both attempts are charged before this call."""
    refuse_unless_possible(delivery, DeliveryState.IN_TRANSIT)
    _refuse_unprepared(delivery, officer, desk, by=by)
    _spend(by, codes.warehouse, "warehouse_code", now=now)
    _spend(officer, codes.officer, "officer_code", now=now)
    move(
        delivery, DeliveryState.IN_TRANSIT, by=by, now=now, duty=Duty.RELEASE,
        where=(Delivery.digest == delivery.digest_over(delivery.person.folio),), officer_id=officer.id,
    )  # fmt: skip
    delivery.place, delivery.scheduled_for = stop.place, stop.scheduled_for.astimezone(UTC).isoformat()
    db.session.flush()


def arrive(delivery: Delivery, *, by: User, now: datetime) -> None:
    """The officer is at the point and the seal is intact."""
    _refuse_stranger(delivery, by)
    move(delivery, DeliveryState.AT_POINT, by=by, now=now, where=(Delivery.officer_id == by.id,))


def nobody_came(delivery: Delivery, *, by: User, now: datetime) -> None:
    """The beneficiary did not come to the point."""
    _refuse_stranger(delivery, by)
    move(delivery, DeliveryState.NO_SHOW, by=by, now=now, reason=Reason.NOBODY_CAME,
         where=(Delivery.officer_id == by.id,))  # fmt: skip


def refused(delivery: Delivery, *, reason: Reason, by: User, now: datetime) -> None:
    """The beneficiary came and did not take the kit."""
    _refuse_stranger(delivery, by)
    move(delivery, DeliveryState.REFUSED, by=by, now=now, reason=reason, where=(Delivery.officer_id == by.id,))


def turn_back(delivery: Delivery, *, reason: Reason | None, by: User, now: datetime) -> None:
    """The officer brings the kit back to the warehouse."""
    _refuse_stranger(delivery, by)
    move(delivery, DeliveryState.RETURNING, by=by, now=now, reason=reason, where=(Delivery.officer_id == by.id,))


def _refuse_stranger(delivery: Delivery, by: User) -> None:
    if delivery.officer_id != by.id:
        raise RuleBroken(_("Another officer carries this delivery."))


def _refuse_unprepared(delivery: Delivery, officer: User, desk: Desk | None, *, by: User) -> None:
    if desk is None:
        raise RuleBroken(NO_DESK_KEY)
    if officer.id == by.id or queries.holds_duty(delivery, officer):
        raise RuleBroken(_("This officer already did another part of this delivery. Choose another."), field="officer")
    if not officer.is_a(Role.OFFICER) or not officer.is_active or queries.delivery_factor(officer) is None:
        raise RuleBroken(_("Choose an officer who can give delivery codes."), field="officer")
    if queries.pin_of(officer) is None:
        raise RuleBroken(_("This officer has no PIN yet. They set it on their own page."), field="officer")
    card = queries.live_card(delivery.award_id)
    if card is None or not card.is_ready:
        raise RuleBroken(_("The beneficiary has no ready symbol card. Print it, and let them choose their picture."))


def _spend(user: User, entered: str, field: str, *, now: datetime) -> None:
    factor = queries.delivery_factor(user)
    step = matching_step(factor.seed, normal_code(entered), now) if factor else None
    if factor is None or step is None or not use_step(factor, step, now=now):
        raise RuleBroken(_("That code is wrong or was already used. Wait for the next one and try again."), field=field)
    refund(DELIVERY_CODE, str(user.id))
