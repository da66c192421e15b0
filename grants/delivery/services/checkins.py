"""The team says that all goes on; what does not come is a case for the desk. Nothing is sent to the scene."""

from datetime import datetime, timedelta

from flask_babel import lazy_gettext as _
from sqlalchemy import update
from sqlalchemy.exc import IntegrityError

from grants.access.models import User
from grants.core import journal
from grants.core.db import db, rows_hit
from grants.core.errors import RuleBroken
from grants.delivery.models import CheckIn, MissedCheckIn
from grants.delivery.queries import checkins
from grants.delivery.queries.checkins import OnTheRoad


def check_in(*, by: User, now: datetime) -> int:
    """Say for every run that is out with a team of this officer that all goes on; how many runs."""
    mine = checkins.runs_on_the_road(of=by)
    if not mine:
        raise RuleBroken(_("Your team is not on the road now. There is nothing to check in for."))
    for one in mine:
        db.session.add(CheckIn(run_id=one.run.id, by_id=by.id, at=now))
        journal.record(by, "run.checked_in", one.run, at=now)
    db.session.flush()
    return len(mine)


def open_cases(*, grace: timedelta, now: datetime) -> int:
    """A case for every check-in that is late; how many are new. Two workers at once open one."""
    late = [one for one in checkins.runs_on_the_road(limit=None) if one.is_late(now, grace=grace)]
    return sum(_open(one, now) for one in late)


def close_case(case: MissedCheckIn, *, word: str, by: User, now: datetime) -> None:
    """Write down what was found out. Once only."""
    closed = db.session.execute(
        update(MissedCheckIn)
        .where(MissedCheckIn.id == case.id, MissedCheckIn.closed_at.is_(None))
        .values(closed_at=now, closed_by_id=by.id)
        .execution_options(synchronize_session=False)
    )
    if rows_hit(closed) != 1:
        raise RuleBroken(_("Somebody has closed this case already."))
    db.session.refresh(case)
    case.word = word.strip()
    db.session.flush()
    journal.record(by, "missed_check_in.closed", case, at=now)


def _open(late: OnTheRoad, now: datetime) -> int:
    case = MissedCheckIn(run_id=late.run.id, level=late.level, due_at=late.due_at, opened_at=now)
    try:
        with db.session.begin_nested():
            db.session.add(case)
    except IntegrityError:
        return 0
    journal.record(None, "missed_check_in.opened", case, at=now)
    return 1
