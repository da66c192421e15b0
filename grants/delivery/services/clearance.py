"""Whether the risk of the area lets a delivery go on. Everybody but the desk gets neutral words."""

from collections.abc import Sequence
from datetime import datetime

from flask_babel import lazy_gettext as _

from grants.access.models import User
from grants.core.db import db
from grants.core.errors import RuleBroken
from grants.delivery import queries
from grants.delivery.models import Delivery, DeliveryState, RiskSnapshot
from grants.delivery.queries.current import is_let, levels_in_force
from grants.delivery.queries.permits import without_way
from grants.delivery.services.alternates import refuse_alternate
from grants.delivery.services.moves import move, refuse_unless_possible

RESCHEDULED = _("This delivery is rescheduled. Do not go on with it; call the control room.")


def clear(delivery: Delivery, *, by: User, now: datetime) -> None:
    """The security desk lets a sealed kit go on, under the canton's snapshot in force."""
    refuse_unless_possible(delivery, DeliveryState.CLEARED)
    if delivery.state is DeliveryState.HELD:
        raise RuleBroken(_("This delivery is held. It goes on with two signatures, on the page of held deliveries."))
    refuse_moved(delivery)
    snapshot = queries.snapshot_in_force(delivery.canton_code, now)
    if snapshot is None:
        raise RuleBroken(_("Nothing current is known of this canton. Record its risk first, then clear the delivery."))
    refuse_unless_way_is_given(delivery, snapshot)
    refuse_alternate(delivery, level=snapshot.level, starts_at=None)
    bind(delivery, snapshot)
    move(delivery, DeliveryState.CLEARED, by=by, now=now)


def clear_all(deliveries: Sequence[Delivery], *, by: User, now: datetime) -> None:
    """Clear several kits, all or none; a refusal names the kit."""
    if not deliveries:
        raise RuleBroken(_("Tick at least one kit."))
    for delivery in deliveries:
        try:
            clear(delivery, by=by, now=now)
        except RuleBroken as refusal:
            raise RuleBroken(f"{delivery.folio}: {refusal.message}") from refusal


def bind(delivery: Delivery, snapshot: RiskSnapshot) -> None:
    """The snapshot's level holds for the delivery from here on, and its codes are bound to it."""
    delivery.risk_snapshot, delivery.level = snapshot, snapshot.level
    delivery.digest = delivery.digest_over(delivery.receiver_folio)
    db.session.flush()


def refuse_moved(delivery: Delivery) -> None:
    """Refuse what was planned for a canton where the person lives no more: its risk is looked up there.

    A hub is where it is, and the person comes to it.
    """
    if delivery.hub_id is None and delivery.person.canton_code != delivery.canton_code:
        raise RuleBroken(_("The person lives in another canton now. Cancel this delivery and plan it again."))


def has_way(delivery: Delivery, snapshot: RiskSnapshot) -> bool:
    """Whether a level that holds by default lets it go on: picked up at a hub, or in the field with two signatures."""
    return not without_way([delivery], {delivery.canton_code: snapshot}, levels_in_force())


def refuse_unless_way_is_given(delivery: Delivery, snapshot: RiskSnapshot) -> None:
    """For the desk: say what is missing at a level that holds by default."""
    if not has_way(delivery, snapshot):
        raise RuleBroken(
            _("At this level deliveries are held. Choose a hub where it is picked up, or ask the director to sign "
              "the delivery in the field.")
        )  # fmt: skip


def refuse_unless_current(delivery: Delivery, *, now: datetime) -> None:
    """Refuse when nothing current is known of the canton, its level is above the delivery's, a curfew meets the time of
    its stop, or no way is given. Says neither which, nor anything of that time."""
    snapshot = queries.newest_snapshot(delivery.canton_code)
    if snapshot is None or not is_let(delivery, snapshot, now) or not has_way(delivery, snapshot):
        raise RuleBroken(RESCHEDULED)


def place_of(delivery: Delivery, chosen: str) -> str:
    """Where the kit is handed over: at its hub where it has one, else at the place chosen for the stop."""
    return f"{delivery.hub.name}. {delivery.hub.address}" if delivery.hub is not None else chosen
