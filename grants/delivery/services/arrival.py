"""At the stop: the kit is read again before anything is handed over, every look at a place is journaled."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from flask_babel import lazy_gettext as _

from grants.access.models import User
from grants.core import journal
from grants.core.errors import RuleBroken
from grants.delivery.models import Delivery, DeliveryState, Reason
from grants.delivery.services.moves import refuse_unless_possible
from grants.delivery.services.road import arrive, turn_back
from grants.delivery.services.warehouse import normal_serial

# Two weighings of one kit may differ by a share of it or by so many grams, whichever is more.
WEIGHT_PERCENT, WEIGHT_GRAMS = 3, 50


class KitDiffers(RuleBroken):
    """What was read is not what was sealed. Kept in the journal, though the step is refused."""


@dataclass(frozen=True, slots=True)
class Reading:
    """What the officer reads on the kit. `weight_grams`: None where there is no scale."""

    seal_number: str
    serials: Sequence[str] = ()
    weight_grams: int | None = None


def arrive_with(delivery: Delivery, reading: Reading, *, by: User, now: datetime) -> None:
    """The officer is at the point with the kit as it was sealed."""
    refuse_unless_possible(delivery, DeliveryState.AT_POINT)
    refuse_other_kit(delivery, reading)
    journal.record(by, "delivery.checked", delivery, at=now, weighed=reading.weight_grams is not None)
    arrive(delivery, by=by, now=now)


def refuse_other_kit(delivery: Delivery, reading: Reading) -> None:
    """Refuse a seal or a serial number that is not of this kit. Never says what would be right."""
    if normal_serial(reading.seal_number) != delivery.seal_number:
        raise KitDiffers(_("That is not this kit's seal. Hand nothing over, and call the control room."),
                         field="seal_number")  # fmt: skip
    read = sorted(normal_serial(one) for one in reading.serials)
    if read != sorted(line.serial_number for line in delivery.lines if line.serial_number):
        raise KitDiffers(_("A serial number is not of this kit. Read it again; if it is still refused, hand nothing "
                           "over and call the control room."), field="serials")  # fmt: skip
    if reading.weight_grams is not None and not _weighs_the_same(delivery.weight_grams or 0, reading.weight_grams):
        raise KitDiffers(_("The kit does not weigh what it weighed. Weigh it again; if it is still refused, hand "
                           "nothing over and call the control room."), field="weight_grams")  # fmt: skip


def _weighs_the_same(sealed_grams: int, read_grams: int) -> bool:
    """
    >>> _weighs_the_same(10_000, 10_300), _weighs_the_same(10_000, 10_301), _weighs_the_same(900, 850)
    (True, False, True)
    """
    return abs(read_grams - sealed_grams) * 100 <= max(sealed_grams * WEIGHT_PERCENT, WEIGHT_GRAMS * 100)


def note_difference(delivery: Delivery, *, field: str | None, by: User, now: datetime) -> None:
    """Keep that the kit was read and did not agree: which part, not what was read."""
    journal.record(by, "delivery.differs", delivery, at=now, part=field)


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
