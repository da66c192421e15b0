"""Who reads what: a balanced proposal, changes by hand, conflicts of interest."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime

from flask_babel import lazy_gettext as _
from sqlalchemy import select, update
from sqlalchemy.exc import IntegrityError

from grants.access.models import User
from grants.applications.models import Application, ApplicationState
from grants.calls.models import Call, Stage
from grants.core import journal
from grants.core.db import db, rows_hit
from grants.core.errors import RuleBroken
from grants.evaluation import queries
from grants.evaluation.models import Assignment, ConflictOfInterest
from grants.evaluation.services.calibration import become_reviews, hand_out_calibration


@dataclass(frozen=True, slots=True)
class Proposal:
    """What a proposal did: sheets given, and sheets for which no evaluator was left."""

    made: int
    short: int


def propose_assignments(call: Call, *, stage: Stage, due_on: date | None, by: User, now: datetime) -> Proposal:
    """Fill every application of the stage up to the call's reviews, each time with the least loaded evaluator.

    Nobody gets an application twice, nor one they have a conflict about. What was given before stays.
    """
    inputs = queries.proposal_inputs(call, stage)
    if not inputs.evaluators:
        raise RuleBroken(_("There is no active evaluator. Ask an administrator to invite one."))
    if not inputs.applications:
        raise RuleBroken(_("Nobody has submitted an application to this call yet."))
    pairs, short = _balanced(inputs, call.reviews_per_application)
    _give(pairs, stage, due_on=due_on, by=by, now=now)
    hand_out_calibration(call, stage, due_on=due_on, by=by, now=now)
    journal.record(by, "assignments.proposed", call, at=now, stage=stage.value, made=len(pairs), short=short)
    return Proposal(len(pairs), short)


def _balanced(inputs: queries.ProposalInputs, reviews: int) -> tuple[list[tuple[int, int]], int]:
    """Pairs of application and evaluator by round-robin on the load, and how many reviews found nobody."""
    counts = [(app, who) for app, who, is_open, is_in in inputs.taken if is_open or is_in]
    counting = [pair for pair in counts if pair not in inputs.conflicts]
    reviewed, load = Counter(app for app, _who in counting), Counter(who for _app, who in counting)
    barred = {(app, who) for app, who, *_rest in inputs.taken} | inputs.conflicts
    pairs, short = [], 0
    for application in inputs.applications:
        free = [who for who in inputs.evaluators if (application, who) not in barred]
        wanted = max(reviews - reviewed[application], 0)
        picked = sorted(free, key=lambda who: (load[who], who))[:wanted]
        load.update(picked)
        pairs += [(application, who) for who in picked]
        short += wanted - len(picked)
    return pairs, short


def _give(pairs: Iterable[tuple[int, int]], stage: Stage, *, due_on: date | None, by: User, now: datetime) -> None:
    new = become_reviews(pairs, stage, due_on=due_on)
    try:
        with db.session.begin_nested():
            db.session.add_all(
                Assignment(
                    application_id=application,
                    evaluator_id=evaluator,
                    stage=stage,
                    due_on=due_on,
                    assigned_by_id=by.id,
                    assigned_at=now,
                )
                for application, evaluator in new
            )
    except IntegrityError:
        raise RuleBroken(_("Somebody else is assigning now. Look at the board, then try again.")) from None


def assign(
    application: Application, *, evaluator: User, stage: Stage, due_on: date | None, by: User, now: datetime
) -> None:
    """Give one sheet by hand. A task that was taken away is given back; one under a conflict is not."""
    if application.state is not ApplicationState.SUBMITTED:
        raise RuleBroken(_("Only submitted applications can be evaluated."))
    if queries.has_conflict(evaluator, application.id):
        raise RuleBroken(_("This evaluator declared a conflict. Choose somebody else."), field="evaluator")
    if not _give_back(application, evaluator, stage, due_on):
        if _is_assigned(application, evaluator, stage):
            raise RuleBroken(_("This evaluator already has this sheet. Choose somebody else."), field="evaluator")
        _give([(application.id, evaluator.id)], stage, due_on=due_on, by=by, now=now)
    hand_out_calibration(application.call, stage, due_on=due_on, by=by, now=now)
    journal.record(by, "assignment.given", application, at=now, stage=stage.value, evaluator=evaluator.id)


def _is_assigned(application: Application, evaluator: User, stage: Stage) -> bool:
    same = select(Assignment.id).where(
        Assignment.application_id == application.id,
        Assignment.evaluator_id == evaluator.id,
        Assignment.stage == stage,
        ~Assignment.is_calibration,
    )
    return db.session.scalar(same) is not None


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


def end_assignment(assignment: Assignment, *, by: User, now: datetime) -> None:
    """Take a task away. A sheet that was submitted stays and counts; a draft stays and does not."""
    ended = update(Assignment).where(Assignment.id == assignment.id, Assignment.ended_at.is_(None))
    if rows_hit(db.session.execute(ended.values(ended_at=now))) == 0:
        raise RuleBroken(_("This sheet was already taken away."))
    journal.record(by, "assignment.ended", assignment, at=now)


def declare_conflict(assignment: Assignment, *, reason: str, by: User, now: datetime) -> None:
    """Record the evaluator's conflict about the application: it ends their tasks there and hides it from them.

    Sheets they wrote about it stay on record and no longer count. The reason is sealed: the chair does not see it.
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
    theirs = (Assignment.application_id == assignment.application_id, Assignment.evaluator_id == by.id)
    db.session.execute(update(Assignment).where(*theirs, Assignment.ended_at.is_(None)).values(ended_at=now))
    journal.record(by, "conflict.declared", conflict, at=now, application=assignment.application_id)
