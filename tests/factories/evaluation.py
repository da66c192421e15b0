"""Assignments, sheets and conflicts for tests."""

from collections.abc import Sequence
from typing import Any

from grants.access.models import User
from grants.access.permissions import Role
from grants.applications.models import Application
from grants.calls.models import Call, Stage
from grants.core.clock import utcnow
from grants.core.db import db
from grants.evaluation.models import (
    Assignment,
    ConflictAnswer,
    ConflictOfInterest,
    Moderation,
    ModerationReply,
    Panelist,
    Score,
    ScoreSheet,
    SheetState,
)
from tests.factories.access import make_user
from tests.factories.applications import make_application
from tests.factories.people import make_canton


def make_assignment(
    application: Application | None = None,
    evaluator: User | None = None,
    stage: Stage = Stage.PLAN,
    *,
    answered: bool = True,
    **overrides: Any,
) -> Assignment:
    """An evaluator's open task: a submitted application's plan, which they may read, unless told otherwise."""
    application = application or make_application()
    evaluator = evaluator or make_user(Role.EVALUATOR)
    values: dict[str, Any] = {"assigned_by_id": application.call.created_by_id, "assigned_at": utcnow(), **overrides}
    assignment = Assignment(application=application, evaluator=evaluator, stage=stage, **values)
    db.session.add(assignment)
    db.session.flush()
    if answered:
        make_answer(application, evaluator)
    return assignment


def make_answer(application: Application, evaluator: User) -> None:
    """The evaluator's answer that they have no conflict about the application, once."""
    known = db.session.query(ConflictAnswer).filter_by(application_id=application.id, evaluator_id=evaluator.id)
    if known.first() is None:
        db.session.add(ConflictAnswer(application=application, evaluator=evaluator, answered_at=utcnow()))
        db.session.flush()


def make_panelist(call: Call, evaluator: User | None = None, **overrides: Any) -> Panelist:
    """An evaluator on a call's panel, with open loads."""
    if "canton_code" in overrides:
        make_canton(overrides["canton_code"])
    seat = Panelist(call=call, evaluator=evaluator or make_user(Role.EVALUATOR), since=utcnow(), **overrides)
    db.session.add(seat)
    db.session.flush()
    return seat


def make_sheet(
    application: Application,
    evaluator: User | None = None,
    stage: Stage = Stage.PLAN,
    levels: Sequence[int] | int = 4,
    *,
    submitted: bool = True,
    **overrides: Any,
) -> ScoreSheet:
    """A submitted sheet with these levels (or one level for all criteria), in the criteria's order."""
    criteria = application.rubric.criteria_of(stage)
    given = [levels] * len(criteria) if isinstance(levels, int) else levels
    now = utcnow()
    values: dict[str, Any] = {
        "version": 1,
        "state": SheetState.SUBMITTED if submitted else SheetState.DRAFT,
        "saved_at": now,
        "submitted_at": now if submitted else None,
        **overrides,
    }
    evaluator = evaluator or make_user(Role.EVALUATOR)
    sheet = ScoreSheet(application=application, evaluator=evaluator, rubric=application.rubric, stage=stage, **values)
    sheet.scores = [Score(criterion=c, level=level) for c, level in zip(criteria, given, strict=False)]
    db.session.add(sheet)
    db.session.flush()
    return sheet


def make_reviews(
    application: Application, plan: Sequence[int] | int = 4, pitch: Sequence[int] | int = 4, *, reviews: int = 2
) -> list[ScoreSheet]:
    """As many submitted sheets of both stages as a call asks for (two), all with these levels."""
    return [
        make_sheet(application, stage=stage, levels=levels)
        for stage, levels in ((Stage.PLAN, plan), (Stage.PITCH, pitch))
        for _n in range(reviews)
    ]


def make_conflict(application: Application, evaluator: User, reason: str = "Es mi prima.") -> ConflictOfInterest:
    """A declared conflict."""
    conflict = ConflictOfInterest(application=application, evaluator=evaluator, declared_at=utcnow())
    conflict.reason = reason
    db.session.add(conflict)
    db.session.flush()
    return conflict


def make_moderation(application: Application | None = None, stage: Stage = Stage.PLAN) -> Moderation:
    """An open moderation of two sheets that lie far apart."""
    application = application or make_application()
    sheets = [
        make_sheet(application, make_assignment(application, stage=stage).evaluator, stage, level) for level in (4, 1)
    ]
    moderation = Moderation(
        application=application, stage=stage, opened_by_id=application.call.created_by_id, opened_at=utcnow()
    )
    moderation.replies = [ModerationReply(evaluator_id=sheet.evaluator_id, sheet_id=sheet.id) for sheet in sheets]
    db.session.add(moderation)
    db.session.flush()
    return moderation
