"""Packing and sealing."""

from collections.abc import Mapping
from datetime import datetime

from flask_babel import lazy_gettext as _
from sqlalchemy import update
from sqlalchemy.exc import IntegrityError

from grants.access.models import User
from grants.core.db import db
from grants.core.errors import RuleBroken
from grants.delivery.models import Delivery, DeliveryState, Duty, KitLine
from grants.delivery.services.flags import normal_serial, refuse_flagged
from grants.delivery.services.moves import move, refuse_unless_possible

HEAVIEST_GRAMS = 500_000


def pack(
    delivery: Delivery,
    *,
    counted: Mapping[int, int],
    serials: Mapping[int, str],
    by: User,
    now: datetime,
) -> None:
    """Put the kit together. `counted`: position → units found; `serials`: position → serial number of a device."""
    refuse_unless_possible(delivery, DeliveryState.PACKED)
    if any(counted.get(line.position) != line.quantity for line in delivery.lines):
        raise RuleBroken(_("The count differs from the list. Count again, and pack only a complete kit."))
    for line in delivery.lines:
        if line.needs_serial:
            _mark(line, normal_serial(serials.get(line.position, "")))
    move(delivery, DeliveryState.PACKED, by=by, now=now, duty=Duty.PACK)


def seal(delivery: Delivery, *, seal_number: str, weight_grams: int, by: User, now: datetime) -> None:
    """Close the kit with a seal that no kit had before. Not the person who packed it."""
    number = normal_serial(seal_number)
    if not number:
        raise RuleBroken(_("Write the number that is on the seal."), field="seal_number")
    if not 0 < weight_grams <= HEAVIEST_GRAMS:
        raise RuleBroken(_("Weigh the kit: more than 0 and at most 500 kg."), field="weight_grams")
    refuse_unless_possible(delivery, DeliveryState.SEALED)
    try:
        with db.session.begin_nested():
            delivery.seal_number, delivery.weight_grams = number, weight_grams
            delivery.digest = delivery.digest_over(delivery.person.folio)
    except IntegrityError as error:
        raise RuleBroken(_("This seal number was already used. Take a new seal."), field="seal_number") from error
    move(delivery, DeliveryState.SEALED, by=by, now=now, duty=Duty.PACK)


def _mark(line: KitLine, serial: str) -> None:
    if not serial:
        raise RuleBroken(_("Write the serial number of every device."))
    refuse_flagged(serial)
    try:
        with db.session.begin_nested():
            db.session.execute(
                update(KitLine)
                .where(KitLine.id == line.id)
                .values(serial_number=serial, live_serial=serial)
                .execution_options(synchronize_session=False)
            )
    except IntegrityError as error:
        raise RuleBroken(_("This serial number is already in another kit. Check the device.")) from error
    db.session.refresh(line)
