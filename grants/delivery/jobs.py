"""The timed work of deliveries. It cannot tell a call for help from a handover like any other."""

from datetime import timedelta

from flask import Flask

from grants.core.clock import utcnow
from grants.core.db import transaction
from grants.core.jobs import URGENT, send_urgent, timed, when_done
from grants.delivery.services import alerts, checkins, confirmation, notices, once, plan_import
from grants.people.models import ContactKind


@timed("alerts", every_minutes=1, urgent=True)
def watch_signals(app: Flask) -> None:
    """Tell the desk what cannot wait, call the next person for what nobody took up in time, and leave a beat."""
    now, late = utcnow(), timedelta(minutes=int(app.config["DESK_ESCALATE_MINUTES"]))
    desk = [str(app.config[name]) for name in ("DESK_ADDRESS", "DESK_SECOND_ADDRESS")]
    next_one = str(app.config["DESK_ESCALATION_ADDRESS"])
    with transaction():
        alerts.escalate(next_one, after=late, now=now)
        alerts.tell_of_dangers(desk, now=now)
        alerts.escalate_dangers(next_one, after=late, now=now)
        alerts.beat(alerts.ALERTS, now=now)
    send_urgent(app)  # not a minute later


@when_done
def leave_beat(name: str) -> None:
    """Leave a beat where messages were sent: the desk sees when nothing leaves the house any more."""
    if name == URGENT:
        with transaction():
            alerts.beat(name, now=utcnow())


@timed("stop notices", every_minutes=1)
def tell_stops(app: Flask) -> None:
    """Tell beneficiaries what is due, each in a transaction of its own, and call off what no longer stands."""
    now, kinds = utcnow(), _kinds_that_reach(app)
    with transaction():
        changed, due = notices.no_longer_true(now), notices.due_now(now)
    for told in changed:
        with transaction():
            notices.call_off(told, kinds=kinds, now=now)
    for delivery, kind in due:
        with transaction():
            notices.tell(delivery, kind, kinds=kinds, now=now)


@timed("check-ins", every_minutes=1, urgent=True)
def watch_check_ins(app: Flask) -> None:
    """Open a case for every check-in that did not come."""
    with transaction():
        checkins.open_cases(grace=timedelta(minutes=int(app.config["CHECK_IN_GRACE_MINUTES"])), now=utcnow())


@timed("stored answers", every_minutes=30)
def forget_answers(_app: Flask) -> None:
    """Delete what no repeated request asks for any more."""
    with transaction():
        confirmation.forget_answers(now=utcnow())
        once.forget(now=utcnow())


@timed("previews", every_minutes=30)
def forget_previews(_app: Flask) -> None:
    """Remove spreadsheets that were tried out and can no longer be applied: they hold places."""
    with transaction():
        plan_import.forget_old_previews(now=utcnow())


def _kinds_that_reach(app: Flask) -> tuple[ContactKind, ...]:
    """E-mail; phones too where a provider is set, or where nothing leaves the house, as in the demo."""
    if app.config["SMS_GATEWAY"] == "http" or app.config["ENVIRONMENT"] != "production":
        return (ContactKind.PHONE, ContactKind.WHATSAPP, ContactKind.EMAIL)
    return (ContactKind.EMAIL,)
