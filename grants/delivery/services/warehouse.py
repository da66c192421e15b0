"""Packing and sealing."""

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal

from flask_babel import lazy_gettext as _
from sqlalchemy import update
from sqlalchemy.exc import IntegrityError

from grants.access.models import User
from grants.core.clock import local_day
from grants.core.db import db
from grants.core.errors import RuleBroken
from grants.delivery.models import Delivery, DeliveryState, DeviceUnit, Duty, KitLine
from grants.delivery.queries import goods
from grants.delivery.services import ledger
from grants.delivery.services.absences import refuse_absent
from grants.delivery.services.flags import normal_serial, refuse_flagged, refuse_odd_number
from grants.delivery.services.moves import move, refuse_unless_possible
from grants.delivery.services.worth import (
    USUAL_PERCENT,
    refuse_above_ceiling,
    refuse_far_cost,
    refuse_other_worth,
    refuse_while_open,
)

HEAVIEST_GRAMS = 500_000
IN_ANOTHER_KIT = _("This serial number is already in another kit. Check the device.")


def pack(
    delivery: Delivery,
    *,
    counted: Mapping[int, int],
    serials: Mapping[int, str],
    percent: Decimal = USUAL_PERCENT,
    by: User,
    now: datetime,
) -> None:
    """Put the kit together, its articles taken from the shelf.

    `counted`: position → units found; `serials`: position → serial number or IMEI of a device; `percent`: how far what
    the goods cost may be from what the list says.
    """
    refuse_unless_possible(delivery, DeliveryState.PACKED)
    refuse_while_open(delivery)
    refuse_other_worth(delivery)
    if any(counted.get(line.position) != line.quantity for line in delivery.lines):
        raise RuleBroken(_("The count differs from the list. Count again, and pack only a complete kit."))
    ledger.refuse_missing(ledger.missing(delivery.lines, local_day(now)))
    typed = {line.position: normal_serial(serials.get(line.position, "")) for line in delivery.lines}
    units = _units_of(delivery, typed)
    expected_usd = ledger.expected_cost(delivery.lines, units, local_day(now))
    refuse_above_ceiling(delivery, expected_usd)
    refuse_far_cost(delivery, expected_usd, percent)
    for line in delivery.lines:
        if line.needs_serial:
            _mark(line, typed[line.position], units.get(line.position))
    # The kit's number: what was counted is what the kit still is.
    move(delivery, DeliveryState.PACKED, by=by, now=now, duty=Duty.PACK,
         where=(Delivery.kit_version == delivery.kit_version,))  # fmt: skip
    cost_usd = ledger.issue(delivery.lines, units, by=by, now=now)
    refuse_absent(units.values())
    refuse_above_ceiling(delivery, cost_usd)
    # Another lot than was expected may have been taken meanwhile.
    refuse_far_cost(delivery, cost_usd, percent)
    delivery.cost_usd = cost_usd
    db.session.flush()


def seal(
    delivery: Delivery,
    *,
    seal_number: str,
    weight_grams: int,
    percent: Decimal = USUAL_PERCENT,
    by: User,
    now: datetime,
) -> None:
    """Close the kit with a seal that no kit had before. Not the person who packed it."""
    number = normal_serial(seal_number)
    if not number:
        raise RuleBroken(_("Write the number that is on the seal."), field="seal_number")
    refuse_odd_number(number, field="seal_number")
    if not 0 < weight_grams <= HEAVIEST_GRAMS:
        raise RuleBroken(_("Weigh the kit: more than 0 and at most 500 kg."), field="weight_grams")
    refuse_unless_possible(delivery, DeliveryState.SEALED)
    _refuse_incomplete(delivery)
    refuse_far_cost(delivery, delivery.cost_usd or delivery.value_usd, percent)
    try:
        with db.session.begin_nested():
            delivery.seal_number, delivery.weight_grams = number, weight_grams
            delivery.digest = delivery.digest_over(delivery.receiver_folio)
    except IntegrityError as error:
        raise RuleBroken(_("This seal number was already used. Take a new seal."), field="seal_number") from error
    move(delivery, DeliveryState.SEALED, by=by, now=now, duty=Duty.PACK)


def _refuse_incomplete(delivery: Delivery) -> None:
    """The recipe is met: what left the shelf for this kit is what its list says, at a worth within the ceiling."""
    issued = ledger.issued_units(delivery)
    if any(line.item_id and issued.get(line.id, 0) != line.quantity for line in delivery.lines):
        raise RuleBroken(_("What left the shelf for this kit is not what its list says. Cancel it and plan it again."))
    refuse_other_worth(delivery)
    refuse_above_ceiling(delivery, delivery.cost_usd or delivery.value_usd)


def _units_of(delivery: Delivery, typed: Mapping[int, str]) -> dict[int, DeviceUnit]:
    """Position → the device of the catalogue with this serial number or IMEI. What is on the shelf's books leaves on a
    line with its article only, and a line with an article takes no other device."""
    devices = [line for line in delivery.lines if line.needs_serial]
    known = goods.devices_with(typed[line.position] for line in devices)
    units: dict[int, DeviceUnit] = {}
    for line in devices:
        unit, field = known.get(typed[line.position]), f"serial_{line.position}"
        if unit is None and line.item_id is None:
            continue
        if unit is not None and line.item_id is None:
            refuse_flagged(*unit.numbers)
            raise RuleBroken(
                _("This device is on the shelf's books. On the page of the kit, choose the article of its line first."),
                field=field,
            )
        if unit is None or unit.lot.item_id != line.item_id:
            raise RuleBroken(
                _("This is not the number of a device of that article. Read it again, or write the device down first."),
                field=field,
            )
        units[line.position] = unit
    return units


def _mark(line: KitLine, typed: str, unit: DeviceUnit | None) -> None:
    """Write the device's number on its line: the serial number of a known device, however it was read."""
    serial = unit.serial_number if unit is not None else typed
    if not serial:
        raise RuleBroken(_("Write the serial number of every device."))
    refuse_odd_number(serial, field=f"serial_{line.position}")
    refuse_flagged(*(unit.numbers if unit is not None else (serial,)))
    if unit is not None and goods.kits_of_serials(unit.numbers):
        raise RuleBroken(IN_ANOTHER_KIT)  # by its IMEI, say, from before it was in the book
    try:
        with db.session.begin_nested():
            db.session.execute(
                update(KitLine)
                .where(KitLine.id == line.id)
                .values(serial_number=serial, live_serial=serial)
                .execution_options(synchronize_session=False)
            )
    except IntegrityError as error:
        raise RuleBroken(IN_ANOTHER_KIT) from error
    db.session.refresh(line)
