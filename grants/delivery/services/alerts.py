"""How the desk hears of handovers: two neutral messages for every one, acknowledged and escalated alike (§6).

Nothing here can tell what a box says, so every signal gets the same work, the same rows and the same messages.
"""

import base64
from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import insert, update
from sqlalchemy.exc import IntegrityError

from grants.access.models import User
from grants.core import journal, outbox
from grants.core.db import db, rows_hit
from grants.delivery.models import Signal, WorkerBeat
from grants.delivery.queries import desk as waiting
from grants.delivery.queries.desk import ALERTS
from grants.delivery.signals import Desk

__all__ = ["ALERTS", "acknowledge", "announce", "beat", "escalate"]

NEUTRAL_SUBJECT = "Semilla"


def announce(box: bytes, desk: Desk, *, now: datetime) -> None:
    """Two messages of one size, one for each channel, inside the caller's transaction."""
    body = base64.b64encode(box).decode()
    for address in (desk.address, desk.second_address):
        outbox.add(waiting.HANDOVER, address=address, subject=NEUTRAL_SUBJECT, body=body, now=now)


def acknowledge(ids: Sequence[int], *, by: User, now: datetime) -> int:
    """The desk has these boxes. Says nothing of what they hold; returns how many were waiting."""
    taken = db.session.execute(
        update(Signal)
        .where(Signal.id.in_(ids), Signal.acknowledged_at.is_(None))
        .values(acknowledged_at=now, acknowledged_by_id=by.id)
        .execution_options(synchronize_session=False)
    )
    hit = rows_hit(taken)
    if hit:
        journal.record(by, "signals.acknowledged", Signal.__tablename__, at=now, count=hit)
    return hit


def escalate(address: str, *, after: timedelta, now: datetime) -> int:
    """Call the next person for every signal that nobody acknowledged in time, once. Safe to run twice."""
    called = 0
    for signal in waiting.signals_overdue(now - after):
        hit = db.session.execute(
            update(Signal)
            .where(Signal.id == signal.id, Signal.escalated_at.is_(None), Signal.acknowledged_at.is_(None))
            .values(escalated_at=now)
            .execution_options(synchronize_session=False)
        )
        if rows_hit(hit) == 1:
            body = base64.b64encode(signal.box).decode()
            outbox.add(waiting.HANDOVER, address=address, subject=NEUTRAL_SUBJECT, body=body, now=now)
            called += 1
    return called


def beat(name: str, *, now: datetime) -> None:
    """Note that a timed job ran to its end."""
    same = update(WorkerBeat).where(WorkerBeat.name == name).values(at=now)
    if rows_hit(db.session.execute(same.execution_options(synchronize_session=False))) == 0:
        try:
            with db.session.begin_nested():
                db.session.execute(insert(WorkerBeat).values(name=name, at=now))
        except IntegrityError:
            return  # another worker was first
