"""Devices that must not go into another kit: taken, missing or disputed."""

from collections.abc import Iterable
from datetime import datetime

from flask_babel import lazy_gettext as _
from sqlalchemy import update

from grants.access.models import User
from grants.core import journal
from grants.core.db import db, rows_hit
from grants.core.errors import RuleBroken
from grants.delivery import queries
from grants.delivery.models import Delivery, FlaggedSerial, FlagReason, KitLine
from grants.delivery.queries.goods import devices_with


def normal_serial(typed: str) -> str:
    """Serial and seal numbers as compared: capitals, without spaces. No letter is left out: "Ñ12" is not "12".

    >>> normal_serial(" sn 12-3a "), normal_serial("ñ 12")
    ('SN12-3A', 'ñ12')
    """
    kept = (letter for letter in typed if letter.isprintable() and not letter.isspace())
    return "".join(letter.upper() if letter.isascii() else letter for letter in kept)  # "ß" would become "SS"


def refuse_odd_number(number: str, *, field: str | None = None) -> None:
    """RuleBroken for a serial or seal number with letters that no device and no seal bears."""
    if not number.isascii():
        raise RuleBroken(
            _("Serial and seal numbers have the letters A to Z, digits and signs only. Read the number again."),
            field=field,
        )


def as_in_the_kit(delivery: Delivery, typed: Iterable[str]) -> list[str]:
    """Numbers read on devices as the kit's list has them, in order: a phone may be read by its IMEI too."""
    own = {line.serial_number for line in delivery.lines}
    read = [normal_serial(one) for one in typed]
    others = devices_with(one for one in read if one not in own)

    def listed(number: str) -> str:
        unit = others.get(number)
        if unit is None:
            return number
        return next((one for one in unit.numbers if one in own), unit.serial_number)

    return [listed(one) for one in read]


def flag_serials(
    delivery: Delivery, why: FlagReason, *, lines: Iterable[KitLine] | None = None, by: User, now: datetime
) -> None:
    """Flag the devices of these lines, of the whole kit when none is named. One that is flagged already stays so."""
    for line in delivery.lines if lines is None else lines:
        serial = line.serial_number
        if serial is None or queries.live_flag(serial) is not None:
            continue
        flag = FlaggedSerial(
            serial_number=serial, why=why, delivery_id=delivery.id, flagged_at=now, flagged_by_id=by.id
        )
        db.session.add(flag)
        db.session.flush()
        journal.record(by, "serial.flagged", flag, at=now, why=why.value)


def refuse_flagged(*numbers: str) -> None:
    """A device that was taken or lost is evidence, not stock; whichever of its numbers it was marked by."""
    if any(queries.live_flag(number) is not None for number in numbers):
        raise RuleBroken(_("This device is marked as taken or missing. Put it aside and call the security desk."))


def lift_flag(flag: FlaggedSerial, *, by: User, now: datetime) -> None:
    """The device was found and looked at: it may go into a kit again."""
    lifted = db.session.execute(
        update(FlaggedSerial)
        .where(FlaggedSerial.id == flag.id, FlaggedSerial.lifted_at.is_(None))
        .values(lifted_at=now, lifted_by_id=by.id)
        .execution_options(synchronize_session=False)
    )
    if rows_hit(lifted) != 1:
        raise RuleBroken(_("This device is free already."))
    db.session.refresh(flag)
    journal.record(by, "serial.freed", flag, at=now)
