"""Holding deliveries, one or a whole area, and letting them go on. Everybody but the desk gets neutral words."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from flask_babel import lazy_gettext as _
from sqlalchemy import update

from grants.access.models import User
from grants.core import journal
from grants.core.db import db, rows_hit
from grants.core.errors import RuleBroken
from grants.delivery import queries
from grants.delivery.models import MAY_BE_HELD, Delivery, DeliveryState, Permit, PermitKind, Reason, RiskSnapshot
from grants.delivery.queries import areas
from grants.delivery.queries import permits as permits_of
from grants.delivery.queries.current import levels_in_force
from grants.delivery.services import permits
from grants.delivery.services.alternates import refuse_alternate
from grants.delivery.services.carrying import end_run_if_done, give_back_value
from grants.delivery.services.clearance import bind, refuse_moved, refuse_unless_way_is_given
from grants.delivery.services.flags import normal_serial
from grants.delivery.services.moves import move, note
from grants.people.models import Canton

NOT_YET_OUT = (DeliveryState.CLEARED, DeliveryState.SCHEDULED)
TRIES = 3


def hold(delivery: Delivery, *, by: User | None, now: datetime) -> None:
    """Stop a delivery, before or on the road. A kit on the road stays with its officer, who brings it back."""
    values: dict[str, Any] = {"stop_position": None}
    if delivery.carried_since is None:
        values |= {"run_id": None, "officer_id": None}
    move(delivery, DeliveryState.HELD, by=by, now=now, reason=Reason.RESCHEDULED, **values)
    delivery.place = delivery.scheduled_for = delivery.window_until = None
    db.session.flush()


def hold_area(canton: Canton, *, by: User, now: datetime) -> int:
    """Stop everything of a canton at once. Its snapshot counts no more, nor does a lower level that waits for its
    signature: nothing goes on without a new one."""
    db.session.execute(
        update(RiskSnapshot)
        .where(
            RiskSnapshot.canton_code == canton.code,
            RiskSnapshot.withdrawn_at.is_(None),
            RiskSnapshot.expires_at > now,
        )
        .values(withdrawn_at=now, withdrawn_by_id=by.id)
        .execution_options(synchronize_session="fetch")
    )
    journal.record(by, "risk.area_held", canton, at=now, canton=canton.code)
    return _hold_each(areas.deliveries_of(canton.code, *MAY_BE_HELD), MAY_BE_HELD, by=by, now=now)


def hold_unfit(canton_code: str, level: int | None, *, by: User | None, now: datetime) -> int:
    """Stop what is cleared or scheduled for less than a level, or lost its signatures with the snapshot before.

    Everything that is cleared or scheduled, when the level is None.
    """
    found = list(areas.unfit(canton_code, level))
    snapshot = queries.snapshot_in_force(canton_code, now)
    if level is not None and snapshot is not None:
        fit = [one for one in areas.deliveries_of(canton_code, *NOT_YET_OUT) if one not in found]
        found += permits_of.without_way(fit, {canton_code: snapshot}, levels_in_force())
    return _hold_each(found, NOT_YET_OUT, by=by, now=now)


def hold_unknown(*, now: datetime) -> int:
    """The timed job: stop what is cleared or scheduled where nothing current is known. A second run finds nothing."""
    total = 0
    for code in areas.cantons_with_live():
        snapshot = queries.snapshot_in_force(code, now)
        total += hold_unfit(code, snapshot.level if snapshot is not None else None, by=None, now=now)
    return total


def receive_held(delivery: Delivery, *, seal_number: str, by: User, now: datetime) -> None:
    """The warehouse takes a held kit that was on the road into its keeping, still sealed. It stays held."""
    if delivery.state is not DeliveryState.HELD or delivery.carried_since is None:
        raise RuleBroken(_("This kit is not with a team. Look for the right one."))
    if queries.was_on_the_team(delivery, by):
        raise RuleBroken(_("Your team carried this delivery. Somebody else must receive it."))
    if normal_serial(seal_number) != delivery.seal_number:
        raise RuleBroken(_("That is not this kit's seal. Look for the right kit, or call the security desk."),
                         field="seal_number")  # fmt: skip
    received = db.session.execute(
        update(Delivery)
        .where(Delivery.id == delivery.id, Delivery.state == DeliveryState.HELD, Delivery.carried_since.is_not(None))
        .values(officer_id=None)
        .execution_options(synchronize_session=False)
    )
    if rows_hit(received) != 1:
        raise RuleBroken(_("This delivery was already moved by somebody. Open it again to see where it stands."))
    give_back_value(delivery)
    end_run_if_done(delivery, by=by, now=now)
    delivery.run_id = None
    db.session.flush()
    db.session.refresh(delivery)
    note(delivery, DeliveryState.HELD, by=by, now=now)


def ask_resume(delivery: Delivery, *, by: User, now: datetime) -> Permit:
    """The desk asks that a held delivery goes on, under a snapshot taken after the hold."""
    snapshot = _snapshot_to_resume_under(delivery, now=now)
    return permits.ask(delivery, PermitKind.RESUME, snapshot, by=by, now=now)


def ask_resume_of_all(deliveries: Sequence[Delivery], *, by: User, now: datetime) -> None:
    """Ask for several held deliveries, all or none; a refusal names the delivery."""
    if not deliveries:
        raise RuleBroken(_("Tick at least one delivery."))
    for delivery in deliveries:
        try:
            ask_resume(delivery, by=by, now=now)
        except RuleBroken as refusal:
            raise RuleBroken(f"{delivery.folio}: {refusal.message}") from refusal


def sign_resume(permit: Permit, *, by: User, now: datetime) -> None:
    """The director lets a held delivery go on: cleared again, bound to the new snapshot and its level."""
    delivery = permit.delivery
    snapshot = _snapshot_to_resume_under(delivery, now=now)
    permits.sign_permit(permit, by=by, now=now)
    bind(delivery, snapshot)
    move(delivery, DeliveryState.CLEARED, by=by, now=now, where=(Delivery.carried_since.is_(None),))


def _snapshot_to_resume_under(delivery: Delivery, *, now: datetime) -> RiskSnapshot:
    """The canton's snapshot, if it was taken after the hold, with the kit in the warehouse; RuleBroken otherwise."""
    if delivery.state is not DeliveryState.HELD:
        raise RuleBroken(_("This delivery is not held. Open it again to see where it stands."))
    if delivery.carried_since is not None:
        raise RuleBroken(_("The kit is still with its team. The warehouse receives it first."))
    refuse_moved(delivery)
    snapshot = queries.snapshot_in_force(delivery.canton_code, now)
    held_at = areas.held_at([delivery]).get(delivery.id)
    if snapshot is None or held_at is None or snapshot.taken_at <= held_at:
        raise RuleBroken(_("Record the risk of the canton anew first: what was known before the hold is not enough."))
    refuse_unless_way_is_given(delivery, snapshot)
    refuse_alternate(delivery, level=snapshot.level, starts_at=None)
    return snapshot


def _hold_each(found: Iterable[Delivery], states: tuple[DeliveryState, ...], *, by: User | None, now: datetime) -> int:
    """Hold those that are still in these states. Who was faster with one does not keep the others from being held."""
    return sum(_held(delivery, states, by=by, now=now) for delivery in found)


def _held(delivery: Delivery, states: tuple[DeliveryState, ...], *, by: User | None, now: datetime) -> bool:
    for _try in range(TRIES):
        if delivery.state not in states:
            return False
        try:
            with db.session.begin_nested():
                hold(delivery, by=by, now=now)
        except RuleBroken:
            db.session.refresh(delivery)
        else:
            return True
    return False
