"""On the road: the warehouse releases a kit to an officer, who carries it to the point or brings it back."""

from datetime import datetime

from flask_babel import lazy_gettext as _

from grants.access.models import User
from grants.core.errors import RuleBroken
from grants.delivery.models import Delivery, DeliveryState, Reason
from grants.delivery.queries.current import levels_in_force, may_go_on
from grants.delivery.services.clearance import refuse_unless_current
from grants.delivery.services.moves import move


def arrive(delivery: Delivery, *, by: User, now: datetime) -> None:
    """The officer is at the point and the seal is intact."""
    refuse_stranger(delivery, by)
    refuse_unless_current(delivery, now=now)
    move(delivery, DeliveryState.AT_POINT, by=by, now=now, where=(Delivery.officer_id == by.id,))


def turn_back(delivery: Delivery, *, reason: Reason | None, by: User, now: datetime) -> None:
    """The officer brings the kit back to the warehouse. From the point only where the stop may not go on: its canton's
    risk was raised, or nothing current is known of it."""
    refuse_stranger(delivery, by)
    if delivery.state is DeliveryState.AT_POINT and may_go_on([delivery], now, levels_in_force()):
        raise RuleBroken(_("You are at the point and the stop holds. Hand the kit over, or say what else happened."))
    move(delivery, DeliveryState.RETURNING, by=by, now=now, reason=reason, where=(Delivery.officer_id == by.id,))


def refuse_stranger(delivery: Delivery, by: User) -> None:
    """Only the officer who carries a delivery moves it on."""
    if delivery.officer_id != by.id:
        raise RuleBroken(_("Another officer carries this delivery. Yours are under “My deliveries”."))
