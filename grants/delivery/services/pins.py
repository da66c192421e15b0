"""The officer's PIN, which carries intent."""

import re
from datetime import datetime

from flask_babel import lazy_gettext as _

from grants.access.guard import DELIVERY_CODE
from grants.access.models import User
from grants.access.second_factor import refund, spend_code
from grants.core import journal
from grants.core.db import db
from grants.core.errors import RuleBroken
from grants.delivery import queries
from grants.delivery.models import OfficerPin

FAMILY_DIGITS = 2


def set_pin(*, pin: str, code: str, by: User, now: datetime) -> None:
    """Set or change one's own PIN, under the current delivery code. Charge the attempt before.

    Its first two digits are the family: any other PIN that begins with them also confirms, and calls for help.
    """
    if re.fullmatch(r"[0-9]{4}", pin.strip(" \t")) is None:
        raise RuleBroken(_("A PIN is four digits."), field="pin")
    factor = queries.delivery_factor(by)
    if factor is None:
        raise RuleBroken(_("You have no delivery code yet. Ask an administrator for the enrolment."), field="code")
    spend_code(factor, code, now=now)
    refund(DELIVERY_CODE, str(by.id))
    row = queries.pin_of(by)
    if row is None:
        row = OfficerPin(user_id=by.id)
        db.session.add(row)
    row.pin, row.set_at = pin.strip(" \t"), now
    db.session.flush()
    journal.record(by, "officer_pin.set", row, at=now)
