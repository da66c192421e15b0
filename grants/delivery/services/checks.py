"""The kit looked at again before it changes hands: seal, serial numbers, weight."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from flask_babel import lazy_gettext as _

from grants.access.models import User
from grants.core import journal
from grants.core.db import db
from grants.core.errors import RuleBroken
from grants.delivery.models import Delivery, DeliveryState, HandoverCheck
from grants.delivery.services.flags import as_in_the_kit, normal_serial

CHECKED_IN = (DeliveryState.IN_TRANSIT, DeliveryState.AT_POINT)


@dataclass(frozen=True, slots=True)
class Tolerance:
    """How far two weighings of one kit may differ: a share of it or so many grams, whichever is more."""

    percent: Decimal = Decimal(3)
    grams: int = 50

    def holds(self, sealed_grams: int, read_grams: int) -> bool:
        """
        >>> Tolerance().holds(10_000, 10_300), Tolerance().holds(10_000, 10_301), Tolerance().holds(900, 850)
        (True, False, True)
        """
        return abs(read_grams - sealed_grams) <= max(sealed_grams * self.percent / 100, Decimal(self.grams))


def check_kit(
    delivery: Delivery,
    *,
    seal_number: str,
    weight_grams: int | None,
    serials: Iterable[str],
    by: User,
    now: datetime,
    tolerance: Tolerance = Tolerance(),
) -> HandoverCheck:
    """Write down what the officer reads on the kit, if it is right. A refusal never says what would be right.

    `weight_grams`: None where there is no scale. `serials`: of all devices, in any order; a phone's may be its IMEI.
    """
    _refuse_wrong_moment(delivery, by)
    read = sorted(as_in_the_kit(delivery, serials))
    if normal_serial(seal_number) != delivery.seal_number:
        raise RuleBroken(_("That is not this kit's seal. Hand nothing over, and call the control room."),
                         field="seal_number")  # fmt: skip
    if read != sorted(line.serial_number for line in delivery.lines if line.serial_number):
        raise RuleBroken(_("A serial number is not of this kit. Read it again; if it is still refused, hand nothing "
                           "over and call the control room."), field="serials")  # fmt: skip
    if weight_grams is not None and not tolerance.holds(delivery.weight_grams or 0, weight_grams):
        raise RuleBroken(_("The kit does not weigh what it weighed. Weigh it again; if it is still refused, hand "
                           "nothing over and call the control room."), field="weight_grams")  # fmt: skip
    check = HandoverCheck(
        delivery_id=delivery.id, seal_number=delivery.seal_number, serials=",".join(read), weight_grams=weight_grams,
        digest=delivery.digest, by_id=by.id, at=now,
    )  # fmt: skip
    db.session.add(check)
    db.session.flush()
    journal.record(by, "delivery.checked", delivery, at=now, weighed=weight_grams is not None)
    return check


def _refuse_wrong_moment(delivery: Delivery, by: User) -> None:
    if delivery.officer_id != by.id:
        raise RuleBroken(_("Another officer carries this delivery. Yours are under “My deliveries”."))
    if delivery.state not in CHECKED_IN or not delivery.seal_number:
        raise RuleBroken(_("The kit is checked on the way to its owner, before the codes."))
