"""What the lists of who waits are called, and the buttons of their rows."""

from datetime import date
from typing import Any

from flask_babel import lazy_gettext as _

from grants.credit.likely import likely_next
from grants.credit.models import Linkage, MovementKind
from grants.credit.queries.queues import Queue, unknown_from
from grants.credit.words import STEP_NAMES

QUEUE_NAMES = {
    Queue.ANSWER: _("To answer"),
    Queue.EXPIRING: _("About to expire"),
    Queue.SEND_ON: _("To send on"),
    Queue.CONTACT: _("On their way"),
    Queue.STUCK: _("Stuck for two weeks"),
    Queue.APPROVED: _("Approved, not disbursed"),
    Queue.OWED: _("Reports I owe"),
    Queue.UNKNOWN: _("Not reported for 45 days"),
    Queue.LATE: _("Credits that are late"),
}

# What a list says when nobody is in it.
QUEUE_EMPTY = {
    Queue.ANSWER: _("No referral waits for an answer."),
    Queue.EXPIRING: _("No referral expires in the next three days."),
    Queue.SEND_ON: _("Nobody was declined or left without an answer who was not sent on."),
    Queue.CONTACT: _("Nobody waits for a step. Accept a referral, and the person appears here."),
    Queue.STUCK: _("Every linkage on its way had a step in the last two weeks."),
    Queue.APPROVED: _("No approved credit waits to be disbursed."),
    Queue.OWED: _("Every credit that is being repaid was reported this month."),
    Queue.UNKNOWN: _("Every credit that is being repaid was reported in the last 45 days."),
    Queue.LATE: _("As far as known, no credit is late."),
}

MOVEMENT_STEPS = {
    MovementKind.REPAYMENT: _("The person paid"),
    MovementKind.BALANCE: _("This is what is owed"),
}


def next_button(linkage: Linkage, today: date) -> tuple[Any, str] | None:
    """The button that logs what probably comes next, and its word in the address; None where nothing does."""
    likely = likely_next(linkage, today)
    if likely is None:
        return None
    names: dict[Any, Any] = {**STEP_NAMES, **MOVEMENT_STEPS}
    return names[likely.step or likely.movement], likely.word


__all__ = ["MOVEMENT_STEPS", "QUEUE_EMPTY", "QUEUE_NAMES", "next_button", "unknown_from"]
