"""Sheets that lie far apart: ask their evaluators again, ask for one more review, enter the panel's decision."""

from datetime import datetime, timedelta

from flask_babel import lazy_gettext as _
from sqlalchemy import select, update
from sqlalchemy.exc import IntegrityError

from grants.access.models import User
from grants.applications.models import Application
from grants.calls.models import Stage
from grants.core import journal
from grants.core.clock import local_day
from grants.core.db import db, rows_hit
from grants.core.errors import RuleBroken
from grants.evaluation import queries
from grants.evaluation.models import Answer, Assignment, Moderation, ModerationReply, Outcome
from grants.evaluation.services.giving import assign
from grants.evaluation.services.sheets import begin_amendment

DAYS_FOR_A_REVIEW = 7


def open_moderation(application: Application, *, stage: Stage, by: User, now: datetime) -> Moderation:
    """Ask everybody whose sheet of this application and stage counts to confirm or amend it."""
    _check_may_see_points(application, by)
    sheets = queries.counting_sheets(application.id, stage)
    if len(sheets) < 2:
        raise RuleBroken(_("There are not yet two sheets to compare. Wait until a second one is in."))
    moderation = Moderation(application_id=application.id, stage=stage, opened_by_id=by.id, opened_at=now)
    moderation.replies = [ModerationReply(evaluator_id=sheet.evaluator_id, sheet_id=sheet.id) for sheet in sheets]
    try:
        with db.session.begin_nested():
            db.session.add(moderation)
    except IntegrityError:
        raise RuleBroken(_("A moderation of this stage is already open. Finish that one first.")) from None
    asked = [str(sheet.evaluator_id) for sheet in sheets]
    journal.record(by, "moderation.opened", moderation, at=now, application=application.id, asked=asked)
    return moderation


def confirm_sheet(reply: ModerationReply, *, reason: str, by: User, now: datetime) -> None:
    """The evaluator stands by their sheet, and says why."""
    _answer(reply, Answer.CONFIRMED, reason, by, now)
    journal.record(by, "moderation.confirmed", reply.moderation, at=now, sheet=reply.sheet_id)


def amend_sheet(reply: ModerationReply, assignment: Assignment, *, reason: str, by: User, now: datetime) -> None:
    """The evaluator opens an amendment. The earlier version counts until the new one is submitted."""
    _answer(reply, Answer.AMENDED, reason, by, now)
    begin_amendment(assignment, reason=reason, by=by, now=now)
    journal.record(by, "moderation.amended", reply.moderation, at=now, sheet=reply.sheet_id)


def _answer(reply: ModerationReply, answer: Answer, reason: str, by: User, now: datetime) -> None:
    if reply.evaluator_id != by.id:
        raise RuleBroken(_("Only the evaluator who wrote the sheet can answer for it."))
    sealed = ModerationReply(row_key=reply.row_key)
    sealed.reason = reason
    still_open = select(Moderation.id).where(Moderation.id == reply.moderation_id, Moderation.decided_at.is_(None))
    claimed = update(ModerationReply).where(
        ModerationReply.id == reply.id, ModerationReply.answer.is_(None), still_open.exists()
    )
    values = {"answer": answer, "replied_at": now, "reason_sealed": sealed.reason_sealed}  # type: ignore[attr-defined]
    if rows_hit(db.session.execute(claimed.values(**values))) == 0:
        raise RuleBroken(_("You already answered, or the panel has decided. There is nothing more to do."))
    db.session.refresh(reply)


def decide(moderation: Moderation, *, outcome: Outcome, decision: str, by: User, now: datetime) -> None:
    """Enter the panel's decision, once: that closes the moderation. A third review is asked for at the same time."""
    _check_may_see_points(moderation.application, by)
    if any(reply.evaluator_id == by.id for reply in moderation.replies):
        raise RuleBroken(_("You wrote one of these sheets. Somebody else must enter the decision."))
    if outcome is Outcome.AMENDED and all(reply.answer is not Answer.AMENDED for reply in moderation.replies):
        raise RuleBroken(
            _("Nobody has amended a sheet. Choose another outcome, or wait for the answers."), field="outcome"
        )
    sealed = Moderation(row_key=moderation.row_key)
    sealed.decision = decision
    values = {
        "outcome": outcome,
        "decided_by_id": by.id,
        "decided_at": now,
        "decision_sealed": sealed.decision_sealed,  # type: ignore[attr-defined]
    }
    guarded = update(Moderation).where(Moderation.id == moderation.id, Moderation.decided_at.is_(None))
    if rows_hit(db.session.execute(guarded.values(**values))) == 0:
        raise RuleBroken(_("The decision was already entered. Reload the page to read it."))
    db.session.refresh(moderation)
    if outcome is Outcome.THIRD_REVIEW:
        request_review(moderation.application, stage=moderation.stage, by=by, now=now)
    journal.record(
        by, "moderation.decided", moderation, at=now, outcome=outcome.value, unanswered=moderation.unanswered
    )


def request_review(application: Application, *, stage: Stage, by: User, now: datetime) -> User:
    """Give the sheet to the least loaded evaluator who may read it. Refused while one is still on its way."""
    _check_may_see_points(application, by)
    if queries.review_on_its_way(application.id, stage):
        raise RuleBroken(_("A review of this stage is still on its way. Wait until it is in."))
    reader = queries.next_reader(application, stage)
    if reader is None:
        raise RuleBroken(_("Every evaluator has had this application or has a conflict. Invite one more."))
    due_on = local_day(now) + timedelta(days=DAYS_FOR_A_REVIEW)
    assign(application, evaluator=reader, stage=stage, due_on=due_on, by=by, now=now)
    journal.record(by, "review.requested", application, at=now, stage=stage.value, evaluator=reader.id)
    return reader


def _check_may_see_points(application: Application, by: User) -> None:
    if queries.owes_sheets(by, application.call_id):
        raise RuleBroken(_("You still have sheets of this call to hand in. Submit them, then come back."))
