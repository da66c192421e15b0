"""What is written down by a form that a phone may send twice is written down once."""

from datetime import datetime, timedelta

from flask_babel import lazy_gettext as _
from sqlalchemy import delete, insert, select
from sqlalchemy.exc import IntegrityError

from grants.access.models import User
from grants.core.crypto import token_hash
from grants.core.db import db, rows_hit
from grants.core.errors import RuleBroken
from grants.delivery.models import SentForm

KEPT_FOR = timedelta(days=30)  # a tab is left open for days, not for months


class SaysOther(RuleBroken):
    """A form that did its work comes back with something else in it."""


def is_first(key: str, said: str, *, by: User, now: datetime) -> bool:
    """Whether this person sends a form with this key for the first time. SaysOther when it said something else then.

    Claimed in the transaction that does what the form says: one that is refused may be corrected and sent again. Of two
    at once the second waits here for the first.
    """
    key_hash, said_hash = token_hash(key), token_hash(f"{key} {said}")
    claim = insert(SentForm).values(user_id=by.id, key_hash=key_hash, said_hash=said_hash, sent_at=now)
    try:
        with db.session.begin_nested():
            db.session.execute(claim)
    except IntegrityError:
        same = select(SentForm.said_hash).where(SentForm.user_id == by.id, SentForm.key_hash == key_hash)
        if db.session.scalar(same) != said_hash:
            raise SaysOther(_("This form was sent already, with something else in it. If this is to be written down "
                              "too, press the button again.")) from None  # fmt: skip
        return False
    return True


def forget(*, now: datetime) -> int:
    """Delete the keys that nobody sends any more; returns how many. Safe to run twice."""
    old = delete(SentForm).where(SentForm.sent_at < now - KEPT_FOR)
    return rows_hit(db.session.execute(old.execution_options(synchronize_session=False)))
