"""How the desk hears of handovers: two neutral messages for every one, acknowledged and escalated alike (§6).

Nothing here can tell what a box says, so every signal gets the same work, the same rows and the same messages.

Of incidents that cannot wait and of check-ins that did not come it hears by messages of the same subject and size, all
in the same words: open the page. A call for help never opens either of them.
"""

import base64
from collections.abc import Sequence
from datetime import datetime, timedelta

from flask_babel import force_locale, gettext
from sqlalchemy import insert, update
from sqlalchemy.exc import IntegrityError

from grants.access.models import User
from grants.core import journal, outbox
from grants.core.db import db, rows_hit
from grants.delivery.models import Signal, WorkerBeat
from grants.delivery.queries import desk as waiting
from grants.delivery.queries.desk import ALERTS, Danger
from grants.delivery.signals import BOX_BYTES, Desk

__all__ = ["ALERTS", "acknowledge", "announce", "beat", "escalate", "escalate_dangers", "tell_of_dangers"]

NEUTRAL_SUBJECT = "Semilla"
BODY_BYTES = len(base64.b64encode(bytes(BOX_BYTES)))
LANGUAGES = ("es", "en")  # nobody knows who reads it


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


def tell_of_dangers(addresses: Sequence[str], *, now: datetime) -> int:
    """Call the desk for everything that cannot wait, once. Safe to run twice; returns how many were new."""
    return sum(_tell(one, "desk_told_at", addresses, now) for one in waiting.dangers_untold())


def escalate_dangers(address: str, *, after: timedelta, now: datetime) -> int:
    """Call the next person for everything that the desk was told of and did not take up in time, once."""
    return sum(_tell(one, "escalated_at", [address], now) for one in waiting.dangers_unanswered(now - after))


def beat(name: str, *, now: datetime) -> None:
    """Note that a timed job ran to its end."""
    same = update(WorkerBeat).where(WorkerBeat.name == name).values(at=now)
    if rows_hit(db.session.execute(same.execution_options(synchronize_session=False))) == 0:
        try:
            with db.session.begin_nested():
                db.session.execute(insert(WorkerBeat).values(name=name, at=now))
        except IntegrityError:
            return  # another worker was first


def _tell(danger: Danger, mark: str, addresses: Sequence[str], now: datetime) -> bool:
    kind = type(danger)
    hit = db.session.execute(
        update(kind)
        .where(kind.id == danger.id, getattr(kind, mark).is_(None))
        .values({mark: now})
        .execution_options(synchronize_session=False)
    )
    if rows_hit(hit) != 1:
        return False
    for address in addresses:
        outbox.add(waiting.FOR_THE_DESK, address=address, subject=NEUTRAL_SUBJECT, body=_open_the_page(), now=now)
    return True


def _open_the_page() -> str:
    """The same words for everything, as long as a handover's box. ASCII, so that all have one form."""
    said = []
    for language in LANGUAGES:
        with force_locale(language):
            said.append(gettext("Semilla: open the security desk now."))
    return "\n".join(said).ljust(BODY_BYTES)
