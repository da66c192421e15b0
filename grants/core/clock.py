"""The time, in one place. Stored in UTC, shown in the programme's own zone."""

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

PROGRAMME_ZONE = ZoneInfo("America/Guayaquil")


def utcnow() -> datetime:
    """The aware time now, in UTC."""
    return datetime.now(UTC)


def local_day(moment: datetime) -> date:
    """The calendar day of a moment where the programme works."""
    return moment.astimezone(PROGRAMME_ZONE).date()
