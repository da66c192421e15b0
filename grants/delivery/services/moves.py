"""How a delivery moves: one guarded UPDATE, an event, the journal and, where one is held, a duty."""

from datetime import datetime
from typing import Any

from flask_babel import lazy_gettext as _
from sqlalchemy import ColumnElement, case, insert, select, update
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
    Run,
    Team,
)
from grants.selection.services import claim_active_award


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
    db.session.refresh(delivery)
    note(delivery, came_from, by=by, now=now, duty=duty, reason=reason)


def give_back_value(delivery: Delivery) -> None:
    """The team no longer carries this kit: its value counts no more against the team's cap. Once only."""
    put_down = db.session.execute(
        update(Delivery)
        .where(Delivery.id == delivery.id, Delivery.carried_since.is_not(None))
        .values(carried_since=None)
        .execution_options(synchronize_session=False)
    )
    if rows_hit(put_down) != 1:
        return
    left = Team.value_out_cents - int(delivery.value_usd * 100)
    db.session.execute(
        update(Team)
        .where(Team.id == select(Run.team_id).where(Run.id == delivery.run_id).scalar_subquery())
        .values(value_out_cents=left, cap_out_cents=case((left == 0, None), else_=Team.cap_out_cents))
        .execution_options(synchronize_session=False)
    )


def refuse_unless_possible(delivery: Delivery, to: DeliveryState) -> None:
    if not delivery.can_become(to):
        raise RuleBroken(
            _("This delivery is in the state “%(state)s”: this step is not possible now.",
              state=STATE_NAMES[delivery.state])
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
