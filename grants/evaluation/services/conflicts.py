"""Conflicts of interest: declared about one application or a whole call, or denied before reading."""

from collections.abc import Collection, Sequence
from datetime import datetime

from flask_babel import lazy_gettext as _
from sqlalchemy import select, update
from sqlalchemy.exc import IntegrityError

from grants.access.models import User
from grants.applications.models import Application
from grants.calls.models import Call
from grants.core import journal
from grants.core.db import db
from grants.core.errors import RuleBroken
from grants.evaluation import queries
from grants.evaluation.models import Assignment, CallConflict, ChangeReason, ConflictAnswer, ConflictOfInterest
from grants.evaluation.services.replacing import replace_reader


def declare_conflict(assignment: Assignment, *, reason: str, by: User, now: datetime) -> None:
    """Record the evaluator's conflict about the application: it ends their tasks there and hides it from them.

    Sheets they wrote about it stay on record and no longer count. The reason is sealed: the chair does not see it.
    The review that is missing now goes at once to somebody else; where nobody may read it, the board says so.
    """
    if assignment.evaluator_id != by.id:
        raise RuleBroken(_("Only the evaluator can declare their conflict."))
    conflict = ConflictOfInterest(application_id=assignment.application_id, evaluator_id=by.id, declared_at=now)
    conflict.reason = reason
    try:
        with db.session.begin_nested():
            db.session.add(conflict)
    except IntegrityError:
        raise RuleBroken(_("You already declared this conflict. There is nothing more to do.")) from None
    journal.record(by, "conflict.declared", conflict, at=now, application=assignment.application_id)
    _recuse(_tasks(by, Assignment.application_id == assignment.application_id), by=by, now=now)


def declare_for_call(call: Call, *, reason: str, by: User, now: datetime) -> None:
    """Record that the evaluator cannot judge anything in the call: all its applications close to them."""
    if not queries.is_in_call(by, call.id):
        raise RuleBroken(_("You are not on the panel of this call."))
    conflict = CallConflict(call_id=call.id, evaluator_id=by.id, declared_at=now)
    conflict.reason = reason
    try:
        with db.session.begin_nested():
            db.session.add(conflict)
    except IntegrityError:
        raise RuleBroken(_("You already declared this conflict. There is nothing more to do.")) from None
    journal.record(by, "call_conflict.declared", conflict, at=now, call=call.id)
    _recuse(_tasks(by, Application.call_id == call.id), by=by, now=now)


def _tasks(by: User, about: object) -> Sequence[Assignment]:
    """All tasks of an evaluator that stand or whose sheet counted."""
    statement = (
        select(Assignment)
        .join(Assignment.application)
        .where(Assignment.evaluator_id == by.id, about)  # type: ignore[arg-type]
        .order_by(Assignment.id)
    )
    return db.session.scalars(statement).all()


def _recuse(tasks: Sequence[Assignment], *, by: User, now: datetime) -> None:
    numbers = [task.id for task in tasks]
    ended = update(Assignment).where(Assignment.id.in_(numbers), Assignment.ended_at.is_(None))
    db.session.execute(ended.values(ended_at=now))
    for task in tasks:
        replace_reader(task, reason=ChangeReason.RECUSAL, by=by, now=now)


def answer_no_conflict(assignment: Assignment, *, by: User, now: datetime) -> None:
    """Record that the evaluator has no conflict about the application: from now on they may read it."""
    if assignment.evaluator_id != by.id:
        raise RuleBroken(_("Only the evaluator can declare their conflict."))
    _answer(assignment.application_id, by=by, now=now)


def _answer(application_id: int, *, by: User, now: datetime) -> None:
    answer = ConflictAnswer(application_id=application_id, evaluator_id=by.id, answered_at=now)
    try:
        with db.session.begin_nested():
            db.session.add(answer)
    except IntegrityError:
        return  # a second tap
    journal.record(by, "conflict.denied", answer, at=now, application=application_id)


def answer_many(
    shown: Sequence[Assignment], conflicted: Collection[int], *, reason: str, by: User, now: datetime
) -> None:
    """Answer about several applications at once: those named are a conflict, the others that were shown are none."""
    if conflicted and not reason:
        raise RuleBroken(_("Write the reason in a few words."), field="reason")
    for assignment in shown:
        if assignment.application_id in conflicted:
            declare_conflict(assignment, reason=reason, by=by, now=now)
        else:
            answer_no_conflict(assignment, by=by, now=now)
