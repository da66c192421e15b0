"""Reminding liaisons and coordinators by e-mail: how many wait and a link, never a name or a folio."""

from collections.abc import Sequence
from datetime import date, datetime

from flask_babel import force_locale, gettext, ngettext
from sqlalchemy.exc import IntegrityError

from grants.access.models import User
from grants.core import journal, outbox
from grants.core.clock import local_day
from grants.core.db import db
from grants.credit.models import CreditReminder, Institution, ReminderKind
from grants.credit.queries import reminders as queries
from grants.credit.queries.queues import Queue

MAIL = "credit_reminder"  # the kind of the messages


def week_of(day: date) -> str:
    """The ISO week of a day, as 2026-W49."""
    year, week, _weekday = day.isocalendar()
    return f"{year}-W{week:02}"


def send_week(user: User, institution: Institution, *, link: str, now: datetime) -> bool:
    """The week's digest to one liaison; whether this call wrote it. Nothing where nobody waits and nothing is owed."""
    today = local_day(now)
    if queries.was_made(user, ReminderKind.WEEK, week_of(today)):
        return False
    counted = queries.own_counts(institution, today)
    with force_locale(user.language):
        lines, subject = _week_lines(counted), gettext("Semilla: your week")
        return _send(user, ReminderKind.WEEK, week_of(today), lines, subject, link, now=now)


def send_expiry(user: User, institution: Institution, *, link: str, now: datetime) -> bool:
    """That referrals expire within three days; once for the day on which the next one does."""
    today = local_day(now)
    day = queries.next_expiry(institution, today)
    if day is None or queries.was_made(user, ReminderKind.EXPIRY, day.isoformat()):
        return False
    count = queries.own_counts(institution, today)[Queue.EXPIRING]
    with force_locale(user.language):
        lines = [ngettext("%(num)d referral expires within three days. Answer it before.",
                          "%(num)d referrals expire within three days. Answer them before.", count)]  # fmt: skip
        subject = gettext("Semilla: referrals about to expire")
        return _send(user, ReminderKind.EXPIRY, day.isoformat(), lines, subject, link, now=now)


def send_stuck(user: User, *, link: str, now: datetime) -> bool:
    """The week's digest to one coordinator: what does not move, across institutions."""
    today = local_day(now)
    if queries.was_made(user, ReminderKind.STUCK, week_of(today)):
        return False
    counted = queries.all_counts(today)
    with force_locale(user.language):
        lines, subject = _stuck_lines(counted), gettext("Semilla: linkages that do not move")
        return _send(user, ReminderKind.STUCK, week_of(today), lines, subject, link, now=now)


def _send(
    user: User, kind: ReminderKind, about: str, lines: Sequence[str], subject: str, link: str, *, now: datetime
) -> bool:  # fmt: skip
    """Claim the reminder and put it into the outbox. Of two workers one writes it. The user's language is set."""
    said = [line for line in lines if line]
    if not said or not user.email:
        return False
    reminder = CreditReminder(user_id=user.id, kind=kind, about=about, made_at=now)
    try:
        with db.session.begin_nested():
            db.session.add(reminder)
    except IntegrityError:
        return False
    closing = gettext("Open Semilla: %(link)s", link=link) if link else gettext("Open Semilla to see them.")
    outbox.add(MAIL, address=user.email, subject=subject, body="\n".join([*said, "", closing]), now=now)
    journal.record(None, "credit.reminded", reminder, at=now, user_id=user.id, kind=kind.value)
    return True


def _week_lines(counted: dict[Queue, int]) -> list[str]:
    answers, steps = counted[Queue.ANSWER], counted[Queue.CONTACT] + counted[Queue.APPROVED]
    owed, late = counted[Queue.OWED], counted[Queue.LATE]
    return [
        ngettext("%(num)d referral waits for your answer.", "%(num)d referrals wait for your answer.", answers)
        if answers else "",
        ngettext("%(num)d person waits for the next step.", "%(num)d people wait for the next step.", steps)
        if steps else "",
        ngettext("%(num)d credit is to be reported this month.", "%(num)d credits are to be reported this month.", owed)
        if owed else "",
        ngettext("%(num)d credit is late.", "%(num)d credits are late.", late) if late else "",
    ]  # fmt: skip


def _stuck_lines(counted: dict[Queue, int]) -> list[str]:
    stuck, unknown, unanswered = counted[Queue.STUCK], counted[Queue.UNKNOWN], counted[Queue.ANSWER]
    expiring, send_on = counted[Queue.EXPIRING], counted[Queue.SEND_ON]
    return [
        ngettext("%(num)d linkage had no step for two weeks.", "%(num)d linkages had no step for two weeks.", stuck)
        if stuck else "",
        ngettext("%(num)d credit was not reported for 45 days.", "%(num)d credits were not reported for 45 days.",
                 unknown) if unknown else "",
        ngettext("%(num)d referral waits for an answer.", "%(num)d referrals wait for an answer.", unanswered)
        if unanswered else "",
        ngettext("%(num)d referral expires within three days.", "%(num)d referrals expire within three days.", expiring)
        if expiring else "",
        ngettext("%(num)d person is to be sent on to another institution.",
                 "%(num)d people are to be sent on to another institution.", send_on) if send_on else "",
    ]  # fmt: skip
