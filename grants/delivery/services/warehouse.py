"""Packing, sealing and taking back."""

from collections.abc import Mapping
from datetime import datetime

from flask_babel import lazy_gettext as _
from sqlalchemy import update
from sqlalchemy.exc import IntegrityError

from grants.access.models import User
from grants.core.db import db
from grants.core.errors import RuleBroken
from grants.delivery.models import Delivery, DeliveryState, Duty, KitLine, Reason
from grants.delivery.services.moves import move, refuse_unless_possible
from grants.delivery.services.planning import free_serials

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
            delivery.digest = delivery.digest_over(delivery.receiver_folio)
    except IntegrityError as error:
        raise RuleBroken(_("This seal number was already used. Take a new seal."), field="seal_number") from error
    move(delivery, DeliveryState.SEALED, by=by, now=now, duty=Duty.PACK)


def take_back(
    delivery: Delivery, *, counted: Mapping[int, int], seal_number: str, reason: Reason, by: User, now: datetime
) -> None:
    """The kit is back in the warehouse: recounted, its seal read again. Not by the officer who carried it."""
    refuse_unless_possible(delivery, DeliveryState.RETURNED)
    if by.id == delivery.officer_id:
        raise RuleBroken(_("You carried this delivery. Somebody else must count it."))
    if normal_serial(seal_number) != delivery.seal_number:
        raise RuleBroken(_("That is not this kit's seal. Look for the right kit, or call the security desk."),
                         field="seal_number")  # fmt: skip
    if any(counted.get(line.position) != line.quantity for line in delivery.lines):
        raise RuleBroken(_("The count differs from what was sealed. Count again; if it still differs, call the desk."))
    move(delivery, DeliveryState.RETURNED, by=by, now=now, reason=reason)
    free_serials(delivery)


def normal_serial(typed: str) -> str:
    """Serial and seal numbers as compared: capitals, without spaces.

    >>> normal_serial(" sn 12-3a ")
    'SN12-3A'
    """
    return "".join(letter for letter in typed.upper() if letter.isascii() and letter.isprintable() and letter != " ")


def _mark(line: KitLine, serial: str) -> None:
    if not serial:
        raise RuleBroken(_("Write the serial number of every device."))
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
