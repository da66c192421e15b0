"""Which day and period figures are of, from what an address says. Pure."""

from datetime import date, timedelta

from grants.credit.schedules import months_later

QUARTERS = 8
FIRST = date(2000, 1, 1)


def quarter_ends(today: date) -> list[date]:
    """The last days of the quarters that are over, the latest first.

    >>> [day.isoformat() for day in quarter_ends(date(2026, 11, 30))[:2]]
    ['2026-09-30', '2026-06-30']
    """
    found, day = [], today.replace(month=(today.month - 1) // 3 * 3 + 1, day=1)
    for _place in range(QUARTERS):
        last = day - timedelta(days=1)
        found.append(last)
        day = last.replace(month=(last.month - 1) // 3 * 3 + 1, day=1)
    return found


def as_asked(day: str | None, since: str | None, *, today: date, quarters: bool) -> tuple[date, date]:
    """A day until today and a period that ends on it; what cannot be read is today and the year until then.

    `quarters`: the day is one of the ends of quarters, and the period the year until then.
    """
    wanted = _read(day)
    if quarters:
        ends = quarter_ends(today)
        last = wanted if wanted in ends else ends[0]
        return last, year_until(last)
    last = min(wanted, today) if wanted and wanted >= FIRST else today
    first = _read(since)
    return last, first if first and FIRST <= first <= last else year_until(last)


def year_until(last: date) -> date:
    """The first day of the year that ends on a day, leap years as they come.

    >>> [year_until(date(year, 12, 31)).isoformat() for year in (2027, 2028)], year_until(date(2028, 2, 29)).isoformat()
    (['2027-01-01', '2028-01-01'], '2027-03-01')
    """
    return months_later(last, -12) + timedelta(days=1)


def _read(text: str | None) -> date | None:
    try:
        return date.fromisoformat(text) if text and len(text) == 10 else None
    except ValueError:
        return None
