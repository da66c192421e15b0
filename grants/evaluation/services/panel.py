"""Who sits on a call's panel, and with which limits."""

from dataclasses import dataclass
from datetime import datetime

from flask_babel import lazy_gettext as _
from sqlalchemy.exc import IntegrityError

from grants.access.models import User
from grants.calls.models import Call
from grants.core import journal
from grants.core.db import db
from grants.core.errors import RuleBroken
from grants.evaluation import queries
from grants.evaluation.models import Panelist


@dataclass(frozen=True, slots=True)
class SeatFields:
    """What the chair enters about an evaluator of a call. `load_max` None is open; loads are sheets per stage."""

    panel: str = ""
    languages: str = ""
    canton_code: str | None = None
    organisation: str = ""
    load_min: int = 0
    load_max: int | None = None


def seat_everyone(call: Call, *, by: User, now: datetime) -> int:
    """Put all active evaluators who are not there yet on the panel, with open loads. How many were added."""
    seated = {seat.evaluator_id for seat in queries.panel_of(call)}
    new = [user for user in queries.active_evaluators() if user.id not in seated]
    try:
        with db.session.begin_nested():
            db.session.add_all(Panelist(call_id=call.id, evaluator_id=user.id, since=now) for user in new)
    except IntegrityError:
        raise RuleBroken(_("Somebody else is changing this panel. Look at it again.")) from None
    if new:
        journal.record(by, "panel.filled", call, at=now, added=len(new))
    return len(new)


def save_seat(call: Call, evaluator: User, fields: SeatFields, *, by: User, now: datetime) -> Panelist:
    """Put an evaluator on the panel of a call, or change what is known of them. Somebody who stopped comes back."""
    if fields.load_max is not None and fields.load_max < fields.load_min:
        raise RuleBroken(_("The most sheets must be at least the fewest."), field="load_max")
    seat = queries.get_seat(call, evaluator.id)
    if seat is None:
        seat = Panelist(call_id=call.id, evaluator_id=evaluator.id, since=now)
        db.session.add(seat)
    seat.panel, seat.languages, seat.canton_code = fields.panel, fields.languages, fields.canton_code
    seat.organisation, seat.load_min, seat.load_max = fields.organisation, fields.load_min, fields.load_max
    seat.stopped_at = None
    try:
        with db.session.begin_nested():
            db.session.flush()
    except IntegrityError:
        raise RuleBroken(_("Somebody else is changing this panel. Look at it again.")) from None
    journal.record(by, "panelist.saved", seat, at=now, call=call.id, evaluator=evaluator.id)
    return seat
