"""When a stop may be known, by the table of levels (DELIVERY_PROTOCOL §2): minutes before its window, nothing else."""

from datetime import datetime, timedelta

from grants.delivery.levels import LevelRules
from grants.delivery.models import NoticeKind


def officer_learns_at(rules: LevelRules, start: datetime) -> datetime:
    """From when the team may see the stop.

    >>> from datetime import UTC
    >>> from grants.delivery.levels import DEFAULT_LEVELS
    >>> officer_learns_at(DEFAULT_LEVELS[3], datetime(2026, 3, 1, 0, 10, tzinfo=UTC)).isoformat()
    '2026-02-28T23:40:00+00:00'
    """
    return start - timedelta(minutes=rules.officer_minutes)


def due_notice(rules: LevelRules, start: datetime, end: datetime, now: datetime) -> NoticeKind | None:
    """What the beneficiary is to know by now; None before its time and once the window is over.

    >>> from datetime import UTC
    >>> from grants.delivery.levels import DEFAULT_LEVELS
    >>> noon = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
    >>> at = lambda hours: noon - timedelta(hours=hours)
    >>> [due_notice(DEFAULT_LEVELS[2], noon, noon, at(hours)) for hours in (24.1, 24, 2.1, 2)]
    [None, <NoticeKind.ZONE: 'zone'>, <NoticeKind.ZONE: 'zone'>, <NoticeKind.PLACE: 'place'>]
    """
    if now > end:
        return None
    if now >= start - timedelta(minutes=rules.place_minutes):
        return NoticeKind.PLACE
    if rules.zone_minutes is not None and now >= start - timedelta(minutes=rules.zone_minutes):
        return NoticeKind.ZONE
    return None
