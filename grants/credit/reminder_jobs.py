"""The timed work about credit that tells people what waits, and that removes what may no longer be kept."""

from datetime import datetime

from flask import Flask

from grants.core.clock import PROGRAMME_ZONE, utcnow
from grants.core.db import transaction
from grants.core.jobs import timed
from grants.credit.queries import reminders as queries
from grants.credit.services import reminders, retain

MOST_RUNS = 20  # in one start of the job; what is left waits for the next


@timed("credit reminders", every_minutes=30)
def remind(app: Flask) -> None:
    """Put what is due into the outbox, each in a transaction of its own. Nothing goes twice for a week or a day."""
    now = utcnow()
    here = now.astimezone(PROGRAMME_ZONE)
    if not app.config["CREDIT_REMINDERS"] or here.hour < int(app.config["CREDIT_REMINDER_HOUR"]):
        return
    _tell_liaisons(app, now=now, digest=_is_digest_day(app, here))
    if _is_digest_day(app, here):
        _tell_coordinators(app, now=now)


@timed("credit retention", every_minutes=30)
def remove_old(_app: Flask) -> None:
    """Write down from when credits count, then remove those whose five years are over, so many at a time."""
    for _run in range(MOST_RUNS):
        with transaction():
            if not retain.fill(now=utcnow()):
                break
    for _run in range(MOST_RUNS):
        with transaction():
            if retain.remove_old(now=utcnow()).is_nothing:
                break


def _tell_liaisons(app: Flask, *, now: datetime, digest: bool) -> None:
    with transaction():
        liaisons = queries.liaisons()
    link = _link(app, "credit.my_linkages")
    for user, institution in liaisons:
        with transaction():
            reminders.send_expiry(user, institution, link=link, now=now)
        if digest:
            with transaction():
                reminders.send_week(user, institution, link=link, now=now)


def _tell_coordinators(app: Flask, *, now: datetime) -> None:
    with transaction():
        coordinators = queries.coordinators()
    link = _link(app, "credit.board")
    for user in coordinators:
        with transaction():
            reminders.send_stuck(user, link=link, now=now)


def _is_digest_day(app: Flask, here: datetime) -> bool:
    """The digest's day or a later one of the same week: a worker that stood still on Monday makes up for it."""
    return here.weekday() >= int(app.config["CREDIT_DIGEST_WEEKDAY"])


def _link(app: Flask, endpoint: str) -> str:
    """The page's public address; empty where the installation does not know its own."""
    base = str(app.config["PUBLIC_URL"]).rstrip("/")
    return base + app.url_map.bind("").build(endpoint) if base else ""
