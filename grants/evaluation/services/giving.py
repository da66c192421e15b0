"""How a task changes hands by hand: given once, taken away once, each with its reason."""

from collections.abc import Iterable
from datetime import date, datetime

from flask_babel import lazy_gettext as _
from sqlalchemy import select, update
from sqlalchemy.exc import IntegrityError

from grants.access.models import User
from grants.applications.models import Application, ApplicationState
from grants.calls.models import Stage
from grants.core import journal
from grants.core.db import db, rows_hit
from grants.core.errors import RuleBroken
from grants.evaluation import queries
from grants.evaluation.models import Assignment, AssignmentChange, ChangeReason
from grants.evaluation.services.calibration import become_reviews, hand_out_calibration


def give(pairs: Iterable[tuple[int, int]], stage: Stage, *, due_on: date | None, by_id: int, now: datetime) -> None:
    """Write these tasks, all or none. Refused when somebody else gave one of them meanwhile."""
    new = become_reviews(pairs, stage, due_on=due_on)
    try:
        with db.session.begin_nested():
            db.session.add_all(
                Assignment(
                    application_id=application,
                    evaluator_id=evaluator,
                    stage=stage,
                    due_on=due_on,
                    assigned_by_id=by_id,
                    assigned_at=now,
                )
                for application, evaluator in new
            )
    except IntegrityError:
        raise RuleBroken(_("Somebody else is assigning now. Look at the board, then try again.")) from None


def assign(
    application: Application,
    *,
    evaluator: User,
    stage: Stage,
    due_on: date | None,
    by: User,
    now: datetime,
    reason: ChangeReason = ChangeReason.OTHER,
    note: str = "",
) -> None:
    """Give one sheet by hand. A task that was taken away is given back; one under a conflict is not."""
    if application.state is not ApplicationState.SUBMITTED:
        raise RuleBroken(_("Only submitted applications can be evaluated."))
    if queries.has_conflict(evaluator, application.id):
        raise RuleBroken(_("This evaluator declared a conflict. Choose somebody else."), field="evaluator")
    if not _give_back(application, evaluator, stage, due_on):
        if task_of(application, evaluator.id, stage) is not None:
            raise RuleBroken(_("This evaluator already has this sheet. Choose somebody else."), field="evaluator")
        give([(application.id, evaluator.id)], stage, due_on=due_on, by_id=by.id, now=now)
    hand_out_calibration(application.call, stage, due_on=due_on, by=by, now=now)
    note_change(task_of(application, evaluator.id, stage), reason, note, given=True, by=by, now=now)
    journal.record(
        by, "assignment.given", application, at=now, stage=stage.value, evaluator=evaluator.id, reason=reason.value
    )


def task_of(application: Application, evaluator_id: int, stage: Stage) -> int | None:
    same = select(Assignment.id).where(
        Assignment.application_id == application.id,
        Assignment.evaluator_id == evaluator_id,
        Assignment.stage == stage,
        ~Assignment.is_calibration,
    )
    return db.session.scalar(same)


def _give_back(application: Application, evaluator: User, stage: Stage, due_on: date | None) -> bool:
    ended = (
        update(Assignment)
        .where(
            Assignment.application_id == application.id,
            Assignment.evaluator_id == evaluator.id,
            Assignment.stage == stage,
            Assignment.ended_at.is_not(None),
        )
        .values(ended_at=None, due_on=due_on, is_calibration=False)
    )
    return rows_hit(db.session.execute(ended)) == 1


def note_change(task_id: int | None, reason: ChangeReason, note: str, *, given: bool, by: User, now: datetime) -> None:
    """Keep why a task was given or taken away. The words are sealed; the journal gets the code."""
    change = AssignmentChange(assignment_id=task_id, given=given, reason=reason, by_id=by.id, at=now)
    change.note = note
    db.session.add(change)
    db.session.flush()


def end_assignment(
    assignment: Assignment, *, by: User, now: datetime, reason: ChangeReason = ChangeReason.OTHER, note: str = ""
) -> None:
    """Take a task away. A sheet that was submitted stays and counts; a draft stays and does not."""
    ended = update(Assignment).where(Assignment.id == assignment.id, Assignment.ended_at.is_(None))
    if rows_hit(db.session.execute(ended.values(ended_at=now))) == 0:
        raise RuleBroken(_("This sheet was already taken away."))
    note_change(assignment.id, reason, note, given=False, by=by, now=now)
    journal.record(by, "assignment.ended", assignment, at=now, reason=reason.value)
