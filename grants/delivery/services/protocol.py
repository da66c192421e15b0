"""The levels' table: changed as a whole, into a new version, and never so that a higher level asks for less."""

import math
from collections.abc import Callable, Mapping
from datetime import datetime
from itertools import pairwise
from typing import Any

from flask_babel import lazy_gettext as _
from sqlalchemy.exc import IntegrityError

from grants.access.models import User
from grants.core import journal
from grants.core.db import db
from grants.core.errors import RuleBroken
from grants.delivery import queries
from grants.delivery.levels import LEVELS, Factors, LevelRules, Monitoring
from grants.delivery.models import ProtocolVersion

MOST_MINUTES = 30 * 24 * 60
MOST_HOURS = 30 * 24
MOST_USD = 100_000

COLUMN_NAMES: dict[str, Any] = {
    "hold_by_default": _("Held unless picked up at a hub, or signed by desk and director"),
    "factors": _("Factors of a handover"),
    "offline_hours": _("Hours without signal"),
    "cap_usd": _("Value in transit of one team, USD"),
    "zone_minutes": _("The person learns the zone, minutes before"),
    "place_minutes": _("The person learns the place, minutes before"),
    "officer_minutes": _("The officer learns the next stop, minutes before"),
    "one_stop": _("One stop at a time"),
    "by_asking": _("Each stop is asked for"),
    "check_in_minutes": _("A sign of life every so many minutes"),
    "photo": _("Photo of kit and seal"),
    "alternate_hours": _("Another collector is registered, hours before"),
    "monitoring": _("Visits after the delivery"),
    "snapshot_hours": _("A snapshot holds for, hours"),
}
LONGEST = {
    "offline_hours": MOST_HOURS, "cap_usd": MOST_USD, "zone_minutes": MOST_MINUTES, "place_minutes": MOST_MINUTES,
    "officer_minutes": MOST_MINUTES, "check_in_minutes": MOST_MINUTES, "alternate_hours": MOST_HOURS,
    "snapshot_hours": MOST_HOURS,
}  # fmt: skip
# How strict a value is, where values have an order. When the zone is told has none.
STRICTNESS: dict[str, Callable[[Any], float]] = {
    "hold_by_default": float,
    "factors": list(Factors).index,
    "offline_hours": lambda hours: -(hours or 0),
    "cap_usd": lambda usd: -usd,
    "place_minutes": lambda minutes: -minutes,
    "officer_minutes": lambda minutes: -minutes,
    "one_stop": float,
    "by_asking": float,
    "check_in_minutes": lambda minutes: -math.inf if minutes is None else -minutes,
    "photo": lambda allowed: -float(allowed),
    "alternate_hours": lambda hours: math.inf if hours is None else hours,
    "monitoring": list(Monitoring).index,
    "snapshot_hours": lambda hours: -hours,
}


def change_levels(levels: Mapping[int, LevelRules], *, note: str, by: User, now: datetime) -> ProtocolVersion:
    """Put a whole new table into force. Deliveries keep their level; what it asks for is read from here at once."""
    for level in LEVELS:
        _refuse_odd(levels[level])
    for lower, higher in pairwise(LEVELS):
        _refuse_laxer(levels[lower], levels[higher])
    last = queries.protocol_in_force()
    if queries.levels_of(last) == dict(levels):
        raise RuleBroken(_("Nothing differs from what holds now. Change a value first."))
    version = ProtocolVersion(
        number=last.number + 1 if last else 1, levels={str(level): levels[level].as_json() for level in LEVELS},
        note=note, created_at=now, created_by_id=by.id,
    )  # fmt: skip
    try:
        with db.session.begin_nested():
            db.session.add(version)
    except IntegrityError as error:
        raise RuleBroken(_("Somebody changed the table at this moment. Look at it, then decide again.")) from error
    journal.record(by, "protocol.changed", version, at=now, number=version.number)
    return version


def differences(before: Mapping[int, LevelRules], after: Mapping[int, LevelRules]) -> list[tuple[int, str, Any, Any]]:
    """What two tables do not have in common: (level, column, before, after), in the order of levels and columns."""
    return [
        (level, column, getattr(before[level], column), getattr(after[level], column))
        for level in LEVELS
        for column in COLUMN_NAMES
        if getattr(before[level], column) != getattr(after[level], column)
    ]


def _refuse_odd(rules: LevelRules) -> None:
    """Refuse a value that makes no sense by itself."""
    for column, most in LONGEST.items():
        value = getattr(rules, column)
        if value is not None and not 1 <= value <= most:
            raise RuleBroken(_("Write a number from 1 to %(most)s.", most=most), field=field_of(rules.level, column))
    if rules.zone_minutes is not None and rules.zone_minutes <= rules.place_minutes:
        raise RuleBroken(
            _("The zone is told before the place: write more minutes than for the place, or leave it empty."),
            field=field_of(rules.level, "zone_minutes"),
        )


def _refuse_laxer(lower: LevelRules, higher: LevelRules) -> None:
    for column, strictness in STRICTNESS.items():
        if strictness(getattr(higher, column)) < strictness(getattr(lower, column)):
            raise RuleBroken(
                _("Level %(higher)s may not ask for less than level %(lower)s.", higher=higher.level,
                  lower=lower.level),
                field=field_of(higher.level, column),
            )  # fmt: skip


def field_of(level: int, column: str) -> str:
    """The form field of a value.

    >>> field_of(3, "cap_usd")
    'cap_usd_3'
    """
    return f"{column}_{level}"
