"""At the stop: the kit is read again before anything is handed over, every look at a place is journaled."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from flask_babel import lazy_gettext as _

from grants.access.models import User
from grants.core import journal
from grants.core.errors import RuleBroken
from grants.delivery.models import Delivery, DeliveryState, Reason
from grants.delivery.services.checks import Tolerance, check_kit
from grants.delivery.services.moves import refuse_unless_possible
from grants.delivery.services.road import arrive, turn_back

# The fields of what is read on a kit; which of them did not agree is kept.
KIT_PARTS = ("seal_number", "serials", "weight_grams")


@dataclass(frozen=True, slots=True)
class Reading:
    """What the officer reads on the kit. `weight_grams`: None where there is no scale."""

    seal_number: str
    serials: Sequence[str] = ()
    weight_grams: int | None = None


def arrive_with(delivery: Delivery, reading: Reading, *, tolerance: Tolerance, by: User, now: datetime) -> None:
    """The officer is at the point with the kit as it was sealed."""
    refuse_unless_possible(delivery, DeliveryState.AT_POINT)
    check_kit(delivery, seal_number=reading.seal_number, serials=reading.serials, weight_grams=reading.weight_grams,
              by=by, now=now, tolerance=tolerance)  # fmt: skip
    arrive(delivery, by=by, now=now)


def note_difference(delivery: Delivery, *, part: str, by: User, now: datetime) -> None:
    """Keep that the kit was read and did not agree: which part, not what was read."""
    journal.record(by, "delivery.differs", delivery, at=now, part=part)


def note_look(stops: Sequence[Delivery], *, by: User, now: datetime) -> None:
    """The reader is shown who, where and when of these stops, once for each request."""
    for one in stops:
        journal.record(by, "stop.seen", one, at=now)


def bring_back(kits: Sequence[Delivery], *, by: User, now: datetime) -> None:
    """The officer brings these kits to the warehouse: the trip, or their canton, was rescheduled."""
    if not kits:
        raise RuleBroken(_("You carry no kit that must go back now."))
    for kit in kits:
        turn_back(kit, reason=Reason.RESCHEDULED, by=by, now=now)
