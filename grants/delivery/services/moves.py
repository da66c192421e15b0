"""How a delivery moves: one guarded UPDATE, an event, the journal and, where one is held, a duty."""

from datetime import datetime
from typing import Any

from flask_babel import lazy_gettext as _
from sqlalchemy import ColumnElement, insert, update
from sqlalchemy.exc import IntegrityError

from grants.access.models import User
from grants.core import journal
from grants.core.db import db, rows_hit
from grants.core.errors import RuleBroken
from grants.delivery.models import (
    NO_LONGER_CARRIED,
    STATE_NAMES,
    TOWARDS_HANDOVER,
    Delivery,
    DeliveryEvent,
    DeliveryState,
    Duty,
    DutyHeld,
    Reason,
)
from grants.delivery.queries.told import AFTER_HANDOVER
from grants.delivery.services.carrying import end_run_if_done, give_back_value
from grants.selection.services import claim_active_award

# What waits for a run, or has ended before it, keeps no place and no time.
WITHOUT_STOP = (DeliveryState.CLEARED, DeliveryState.CANCELLED)
NO_STOP: dict[str, Any] = dict.fromkeys(
    ("run_id", "officer_id", "stop_position", "place_sealed", "scheduled_for_sealed", "window_until_sealed")
)


def move(
    delivery: Delivery,
    to: DeliveryState,
    *,
    by: User | None,
    now: datetime,
    duty: Duty | None = None,
    reason: Reason | None = None,
    where: tuple[ColumnElement[bool], ...] = (),
    **values: Any,
) -> None:
    """Take the delivery to a state if the table of moves allows it and nobody was faster; RuleBroken otherwise.

    `by`: None for a timed job, which never holds a duty.
    """
    came_from = delivery.state
    refuse_unless_possible(delivery, to)
    if to in WITHOUT_STOP:
        values = {**NO_STOP, **values}
    if to in TOWARDS_HANDOVER:
        claim_active_award(delivery.award)
    if by is not None:
        take_duty(delivery, duty, by=by)
    moved = db.session.execute(
        update(Delivery)
        .where(Delivery.id == delivery.id, Delivery.state == came_from, *where)
        .values(state=to, **values)
        .execution_options(synchronize_session=False)
    )
    if rows_hit(moved) != 1:
        raise RuleBroken(_("This delivery was already moved by somebody. Open it again to see where it stands."))
    if to in NO_LONGER_CARRIED:
        give_back_value(delivery)
        end_run_if_done(delivery, by=by, now=now)
    db.session.refresh(delivery)
    note(delivery, came_from, by=by, now=now, duty=duty, reason=reason)


def refuse_unless_possible(delivery: Delivery, to: DeliveryState) -> None:
    if not delivery.can_become(to):
        if delivery.state in AFTER_HANDOVER:  # which of them is not for everybody who may read this
            raise RuleBroken(
                _("This delivery was handed over, so this step is not possible. Its page shows what can be done.")
            )
        raise RuleBroken(
            _("This delivery is in the state “%(state)s”, so this step is not possible. Its page shows what can be "
              "done.", state=STATE_NAMES[delivery.state])
        )  # fmt: skip


def take_duty(delivery: Delivery, duty: Duty | None, *, by: User) -> None:
    """Hold a duty for this delivery. The database refuses a second one to the same person."""
    if duty is None:
        return
    try:
        with db.session.begin_nested():
            db.session.execute(insert(DutyHeld).values(delivery_id=delivery.id, user_id=by.id, duty=duty))
    except IntegrityError as error:
        raise RuleBroken(
            _("You already did another part of this delivery. Somebody else must do this step.")
        ) from error


def note(
    delivery: Delivery,
    came_from: DeliveryState,
    *,
    by: User | None,
    now: datetime,
    duty: Duty | None = None,
    reason: Reason | None = None,
) -> None:
    """Append the event and journal it. Neither ever holds a code, a name or a place."""
    db.session.add(
        DeliveryEvent(
            delivery_id=delivery.id,
            from_state=came_from,
            to_state=delivery.state,
            duty=duty,
            reason=reason,
            at=now,
            by_id=by.id if by else None,
            digest=delivery.digest,
        )
    )
    journal.record(by, f"delivery.{delivery.state.value}", delivery, at=now, came_from=came_from.value)
