"""The next stop by asking: the officer asks after every handover, the desk answers ten minutes later (§6)."""

from datetime import datetime, timedelta

from flask_babel import lazy_gettext as _
from sqlalchemy import update
from sqlalchemy.exc import IntegrityError

from grants.access.models import User
from grants.core import journal
from grants.core.db import db, rows_hit
from grants.core.errors import RuleBroken
from grants.delivery.models import StopAnswer, StopRequest
from grants.delivery.queries import stops
from grants.delivery.queries.stops import Asking

WAIT = timedelta(minutes=10)
ASKED_ALREADY = _("You have asked already. The answer appears on this page.")


def ask_next_stop(*, by: User, now: datetime, wait: timedelta = WAIT) -> StopRequest:
    """Ask where to go next. The desk answers when `wait` is over, whatever happened at the last stop."""
    if stops.asking(by, now) is Asking.RESCHEDULED:
        raise RuleBroken(_("This trip was rescheduled. Bring the kits back to the warehouse."))
    _lapse_earlier(by, now)
    run = stops.run_out(by)
    request = StopRequest(officer_id=by.id, run_id=run.id if run else None, asked_at=now, answerable_at=now + wait)
    try:
        with db.session.begin_nested():
            db.session.add(request)
    except IntegrityError as error:
        raise RuleBroken(ASKED_ALREADY) from error
    journal.record(by, "next_stop.asked", request, at=now)
    return request


def answer_stop(request: StopRequest, answer: StopAnswer, *, by: User, now: datetime) -> None:
    """Tell the officer to go on, or that the trip is rescheduled. Too early and twice are refused."""
    if by.id == request.officer_id:
        raise RuleBroken(_("Somebody else must answer your own question."))
    if stops.asks_with(by, request):
        raise RuleBroken(_("You are of the team that asks. Somebody else must answer its question."))
    if request.lapsed_at is not None:
        raise RuleBroken(_("The officer asked again since. Answer the newer question."))
    if request.answer is None and not request.can_be_answered(now):
        raise RuleBroken(_("Every question waits the same time for its answer. Try again when its time has come."))
    hit = db.session.execute(
        update(StopRequest)
        .where(StopRequest.id == request.id, stops.STILL_OPEN, StopRequest.answerable_at <= now)
        .values(answer=answer, answered_at=now, answered_by_id=by.id)
        .execution_options(synchronize_session=False)
    )
    if rows_hit(hit) != 1:
        raise RuleBroken(_("This question was already answered."))
    db.session.refresh(request)
    # Not which answer: the journal is read by more people than the desk.
    journal.record(by, "next_stop.answered", request, at=now)


def _lapse_earlier(officer: User, now: datetime) -> None:
    """What nobody answered on an earlier day blocks no question of today."""
    earlier = update(StopRequest).where(
        StopRequest.officer_id == officer.id, stops.STILL_OPEN, StopRequest.asked_at < stops.trip_began(officer, now)
    )
    db.session.execute(earlier.values(lapsed_at=now).execution_options(synchronize_session=False))
