"""For how long credit data may be shown: five years (LOPDP art. 28). Pure: days in, days out.

They count from the day on which a credit ended; from its last due day, or the last report after it, where it has not;
and from the last step of what never became a credit.
"""

from calendar import isleap
from datetime import date, timedelta

from grants.credit.models import Linkage, LinkageState
from grants.credit.schedules import months_later
from grants.credit.standing import Standing

YEARS = 5
OVER = frozenset({LinkageState.REPAID, LinkageState.WRITTEN_OFF})


def last_day_gone(today: date) -> date:
    """What counts from this day or an earlier one is not shown today any more.

    >>> last_day_gone(date(2027, 3, 1)).isoformat(), last_day_gone(date(2029, 2, 28)).isoformat()
    ('2022-03-01', '2024-02-29')
    """
    found = months_later(today, -12 * YEARS)
    is_end_of_february = (today.month, today.day) == (2, 28) and not isleap(today.year)
    return found + timedelta(days=1) if is_end_of_february and isleap(found.year) else found


def counted_from(found: Standing, *, before: LinkageState, counted: date | None) -> date | None:
    """The day from which the five years of a credit count. `before` and `counted`: as it stood until now.

    What is paid to an ended credit later, as a recovery, does not begin them anew.
    """
    if found.state in OVER:
        return counted if before is found.state and counted else found.reported_on
    days = [found.reported_on, *(one.due_on for one in found.instalments[-1:])]
    return max((day for day in days if day), default=None)


def days_kept(linkage: Linkage, found: Standing, at_the_end: Standing) -> dict[str, date | None]:
    """What is kept beside a linkage, so that lists need not read movements. `at_the_end`: if nothing more is paid."""
    return {
        "next_due_on": at_the_end.late_since,
        "counted_from": counted_from(found, before=linkage.state, counted=linkage.counted_from) or linkage.last_step_on,
    }
