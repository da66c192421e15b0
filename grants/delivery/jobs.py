"""The timed work of deliveries. It cannot tell a call for help from a handover like any other."""

from datetime import timedelta

from flask import Flask

from grants.core.clock import utcnow
from grants.core.db import transaction
from grants.core.jobs import timed
from grants.delivery.services import alerts


@timed("alerts", every_minutes=1)
def watch_signals(app: Flask) -> None:
    """Call the next person for every signal that nobody acknowledged in time, and leave a beat."""
    now, late = utcnow(), timedelta(minutes=int(app.config["DESK_ESCALATE_MINUTES"]))
    with transaction():
        alerts.escalate(str(app.config["DESK_ESCALATION_ADDRESS"]), after=late, now=now)
        alerts.beat(alerts.ALERTS, now=now)
