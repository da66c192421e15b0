"""Hubs, and what the security desk and the director allow together."""

from datetime import datetime

from flask_babel import lazy_gettext as _
from sqlalchemy import update
from sqlalchemy.exc import IntegrityError

from grants.access.models import User
from grants.core import journal
from grants.core.db import db, rows_hit
from grants.core.errors import RuleBroken
from grants.delivery import queries
from grants.delivery.models import Delivery, DeliveryState, Hub, Permit, PermitKind, RiskSnapshot
from grants.people.models import Canton

BEFORE_CLEARANCE = (DeliveryState.SEALED, DeliveryState.HELD)


def add_hub(canton: Canton, *, name: str, address: str, by: User, now: datetime) -> Hub:
    """A place where people pick their kits up. Its address is sealed."""
    hub = Hub(name=name, canton_code=canton.code, created_at=now, created_by_id=by.id)
    hub.address = address
    try:
        with db.session.begin_nested():
            db.session.add(hub)
    except IntegrityError as error:
        raise RuleBroken(_("A hub of this name was there already. Choose another name."), field="name") from error
    journal.record(by, "hub.added", hub, at=now)
    return hub


def end_hub(hub: Hub, *, by: User, now: datetime) -> None:
    """No further delivery is sent to it. Those already cleared for it go on."""
    ended = db.session.execute(
        update(Hub)
        .where(Hub.id == hub.id, Hub.ended_at.is_(None))
        .values(ended_at=now)
        .execution_options(synchronize_session=False)
    )
    if rows_hit(ended) != 1:
        raise RuleBroken(_("This hub was ended already."))
    journal.record(by, "hub.ended", hub, at=now)


def choose_hub(delivery: Delivery, hub: Hub | None, *, by: User, now: datetime) -> None:
    """Have a kit picked up at a hub of its canton; None: in the field again. Before clearance only."""
    if delivery.state not in BEFORE_CLEARANCE:
        raise RuleBroken(_("The way of a kit is chosen before it is cleared. Hold the delivery first."))
    if hub is not None and hub.canton_code != delivery.canton_code:
        raise RuleBroken(_("Choose a hub of this delivery's canton."), field="hub")
    chosen = db.session.execute(
        update(Delivery)
        .where(Delivery.id == delivery.id, Delivery.state.in_(BEFORE_CLEARANCE))
        .values(hub_id=hub.id if hub else None)
        .execution_options(synchronize_session=False)
    )
    if rows_hit(chosen) != 1:
        raise RuleBroken(_("This delivery was already moved by somebody. Open it again to see where it stands."))
    db.session.refresh(delivery)
    journal.record(by, "delivery.hub_chosen", delivery, at=now, hub=hub.id if hub else None)


def ask_field(delivery: Delivery, *, by: User, now: datetime) -> Permit:
    """The security desk signs a delivery in the field at a level that holds; the director signs after it."""
    if delivery.state not in BEFORE_CLEARANCE:
        raise RuleBroken(_("The way of a kit is chosen before it is cleared. Hold the delivery first."))
    snapshot = queries.snapshot_in_force(delivery.canton_code, now)
    if snapshot is None:
        raise RuleBroken(_("Nothing current is known of this canton. Record its risk first."))
    if not queries.rules(snapshot.level).hold_by_default:
        raise RuleBroken(_("At the canton's level no permission is needed. Clear the delivery."))
    return ask(delivery, PermitKind.FIELD, snapshot, by=by, now=now)


def ask(delivery: Delivery, kind: PermitKind, snapshot: RiskSnapshot, *, by: User, now: datetime) -> Permit:
    """The first signature, the desk's. Once for each snapshot."""
    permit = Permit(
        delivery_id=delivery.id, snapshot_id=snapshot.id, kind=kind, asked_by_id=by.id, asked_at=now,
    )  # fmt: skip
    try:
        with db.session.begin_nested():
            db.session.add(permit)
    except IntegrityError as error:
        raise RuleBroken(_("This was already asked of the director.")) from error
    journal.record(by, "permit.asked", permit, at=now, kind=kind.value, delivery=delivery.id)
    return permit


def sign_permit(permit: Permit, *, by: User, now: datetime) -> None:
    """The second signature, the director's. Of two at once, one is kept; never by who gave the first."""
    if permit.asked_by_id == by.id:
        raise RuleBroken(_("You gave the first signature. Somebody else must give the second."))
    refuse_outdated(permit, now=now)
    signed = db.session.execute(
        update(Permit)
        .where(Permit.id == permit.id, Permit.signed_at.is_(None), Permit.asked_by_id != by.id)
        .values(signed_by_id=by.id, signed_at=now)
        .execution_options(synchronize_session=False)
    )
    if rows_hit(signed) != 1:
        raise RuleBroken(_("Somebody signed this already."))
    db.session.refresh(permit)
    journal.record(by, "permit.signed", permit, at=now, kind=permit.kind.value, delivery=permit.delivery_id)


def refuse_outdated(permit: Permit, *, now: datetime) -> None:
    """What was asked under one snapshot is not signed under another."""
    snapshot = queries.snapshot_in_force(permit.delivery.canton_code, now)
    if snapshot is None or snapshot.id != permit.snapshot_id:
        raise RuleBroken(_("The risk of this canton was recorded anew since this was asked, or it expired. "
                           "The security desk must ask again."))  # fmt: skip
