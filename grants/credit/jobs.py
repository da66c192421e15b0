"""The timed work of credit."""

from flask import Flask

from grants.core.clock import utcnow
from grants.core.db import transaction
from grants.core.jobs import timed
from grants.credit.services import reassignment


@timed("unanswered referrals", every_minutes=30)
def end_unanswered(_app: Flask) -> None:
    """End the referrals that no institution answered in time, each in a transaction of its own."""
    now = utcnow()
    with transaction():
        waiting = reassignment.overdue(now)
    for referral_id in waiting:
        with transaction():
            reassignment.expire(referral_id, now=now)
