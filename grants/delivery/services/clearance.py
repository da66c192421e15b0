"""Whether the risk of the area lets a delivery go on. Everybody but the desk gets neutral words."""

from datetime import datetime

from flask_babel import lazy_gettext as _

from grants.access.models import User
from grants.core.errors import RuleBroken
from grants.delivery import queries
from grants.delivery.models import Delivery, DeliveryState, RiskSnapshot
from grants.delivery.services.alternates import refuse_alternate
from grants.delivery.services.moves import move, refuse_unless_possible

RESCHEDULED = _("This delivery is rescheduled. Do not go on with it; call the control room.")


def clear(delivery: Delivery, *, by: User, now: datetime) -> None:
    """The security desk lets a sealed kit go on, under the canton's snapshot in force."""
    refuse_unless_possible(delivery, DeliveryState.CLEARED)
    snapshot = queries.snapshot_in_force(delivery.canton_code, now)
    if snapshot is None:
        raise RuleBroken(_("Nothing current is known of this canton. Record its risk first, then clear the delivery."))
    refuse_alternate(delivery, level=snapshot.level, starts_at=None)
    bind(delivery, snapshot)
    move(delivery, DeliveryState.CLEARED, by=by, now=now)


def bind(delivery: Delivery, snapshot: RiskSnapshot) -> None:
    """The snapshot's level holds for the delivery from here on, and its codes are bound to it."""
    delivery.risk_snapshot, delivery.level = snapshot, snapshot.level
    delivery.digest = delivery.digest_over(delivery.receiver_folio)


def refuse_unless_current(delivery: Delivery, *, now: datetime) -> None:
    """Refuse when nothing current is known of the canton, or its level is above the delivery's own."""
    snapshot = queries.snapshot_in_force(delivery.canton_code, now)
    if snapshot is None or delivery.level is None or snapshot.level > delivery.level:
        raise RuleBroken(RESCHEDULED)
