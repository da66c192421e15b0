"""Moderations, for the chair and for the evaluators who are asked; and who could read one more."""

from collections.abc import Iterable, Sequence
from decimal import Decimal

from sqlalchemy import Select, func, select
from sqlalchemy.orm import joinedload, selectinload

from grants.access.models import User
from grants.applications.models import Application, ApplicationState
from grants.calls.models import Criterion, Rubric, Stage
from grants.core.db import db, one_or_refuse, plausible
from grants.evaluation.models import (
    Assignment,
    Moderation,
    ModerationReply,
    Score,
    ScoreSheet,
    SheetState,
)
from grants.evaluation.queries.board import active_evaluators
from grants.evaluation.queries.conditions import sheet_is_practice
from grants.evaluation.queries.conflicts import conflict_declared_by, pairs_among
from grants.evaluation.queries.points import sheet_points
from grants.evaluation.queries.sheets import conflict_declared, is_in, sheet_in_conflict


def moderations_of(call_id: int) -> Sequence[Moderation]:
    """All moderations of a call with their replies, newest first. One query."""
    statement = (
        select(Moderation)
        .join(Moderation.application)
        .where(Application.call_id == call_id)
        .order_by(Moderation.id.desc())
        .options(joinedload(Moderation.replies))
    )
    return db.session.scalars(statement).unique().all()


def get_moderation(moderation_id: int, *, reader: User) -> Moderation:
    """A moderation with its application and replies. NotFound for a reader with a conflict about the application."""
    return one_or_refuse(
        select(Moderation)
        .join(Moderation.application)
        .where(
            Moderation.id == plausible(moderation_id),
            Application.state == ApplicationState.SUBMITTED,
            ~conflict_declared_by(reader),
        )
        .options(
            joinedload(Moderation.application).joinedload(Application.plan),
            joinedload(Moderation.application).joinedload(Application.call),
            joinedload(Moderation.opened_by),
            joinedload(Moderation.decided_by),
            selectinload(Moderation.replies).joinedload(ModerationReply.evaluator),
        )
        .execution_options(populate_existing=True)
    )


def counting_sheets(application_id: int, stage: Stage) -> Sequence[ScoreSheet]:
    """The sheets of an application and stage that count now, oldest first, with scores, criteria and evaluators."""
    statement = (
        select(ScoreSheet)
        .where(
            ScoreSheet.application_id == application_id,
            ScoreSheet.stage == stage,
            ScoreSheet.state == SheetState.SUBMITTED,
            ~sheet_in_conflict(),
            ~sheet_is_practice(),
        )
        .order_by(ScoreSheet.id)
        .options(joinedload(ScoreSheet.evaluator), selectinload(ScoreSheet.scores).joinedload(Score.criterion))
    )
    return db.session.scalars(statement).all()


def points_of(sheets: Sequence[ScoreSheet], stage: Stage) -> dict[int, Decimal | None]:
    """Points at their stage, out of 100, by sheet id. Three queries for the rubrics, whatever the number of sheets."""
    statement = (
        select(Rubric)
        .where(Rubric.id.in_({sheet.rubric_id for sheet in sheets}))
        .options(selectinload(Rubric.criteria).selectinload(Criterion.levels))
    )
    rubrics = {rubric.id: rubric for rubric in db.session.scalars(statement)}
    return {
        sheet.id: sheet_points(rubrics[sheet.rubric_id].criteria_of(stage), stage, sheet.levels) for sheet in sheets
    }


def _asked(user: User) -> Select[ModerationReply, Assignment]:
    """What this evaluator is asked in moderations that are still open, beside their task, unless it was ended."""
    return (
        select(ModerationReply, Assignment)
        .join(ModerationReply.moderation)
        .join(
            Assignment,
            (Assignment.application_id == Moderation.application_id)
            & (Assignment.stage == Moderation.stage)
            & (Assignment.evaluator_id == ModerationReply.evaluator_id),
        )
        .join(Assignment.application)
        .where(
            ModerationReply.evaluator_id == user.id,
            Moderation.decided_at.is_(None),
            Assignment.ended_at.is_(None),
            Application.state == ApplicationState.SUBMITTED,
            ~conflict_declared(),
        )
        .options(joinedload(ModerationReply.moderation))
        .execution_options(populate_existing=True)
    )


def asked_of(user: User) -> list[tuple[ModerationReply, Assignment]]:
    """Questions of open moderations that this evaluator has not answered, oldest first. One query."""
    application = joinedload(Assignment.application)
    statement = (
        _asked(user)
        .where(ModerationReply.answer.is_(None))
        .options(application.joinedload(Application.plan), application.joinedload(Application.call))
        .order_by(ModerationReply.id)
    )
    return [(row[0], row[1]) for row in db.session.execute(statement)]


def reply_for(assignment: Assignment) -> ModerationReply | None:
    """What the evaluator is asked, or has answered, about this sheet in a moderation that is open."""
    asked = _asked(assignment.evaluator).where(Assignment.id == assignment.id).with_only_columns(ModerationReply)
    return db.session.scalars(asked).first()


def review_on_its_way(application_id: int, stage: Stage) -> bool:
    """Whether somebody still has to hand in a sheet of this application and stage."""
    open_ones = select(Assignment.id).where(
        Assignment.application_id == application_id,
        Assignment.stage == stage,
        Assignment.ended_at.is_(None),
        ~conflict_declared(),
        ~is_in(),
    )
    return db.session.scalar(select(open_ones.exists())) or False


def reviews_on_their_way(call_id: int) -> frozenset[tuple[int, Stage]]:
    """The same for a whole call: application and stage."""
    statement = (
        select(Assignment.application_id, Assignment.stage)
        .join(Assignment.application)
        .where(Application.call_id == call_id, Assignment.ended_at.is_(None), ~conflict_declared(), ~is_in())
    )
    return frozenset((row[0], row[1]) for row in db.session.execute(statement))


def next_reader(application: Application, stage: Stage) -> User | None:
    """The active evaluator with the fewest open sheets who never had this one and declared no conflict about it."""
    barred = set(
        db.session.scalars(
            select(Assignment.evaluator_id).where(
                Assignment.application_id == application.id, Assignment.stage == stage
            )
        )
    ) | {who for _application, who in pairs_among([application.id])}
    free = [user for user in active_evaluators() if user.id not in barred]
    loads = _open_sheets(user.id for user in free)
    return min(free, key=lambda user: (loads.get(user.id, 0), user.id), default=None)


def _open_sheets(evaluators: Iterable[int]) -> dict[int, int]:
    statement = (
        select(Assignment.evaluator_id, func.count(Assignment.id))
        .where(Assignment.evaluator_id.in_(list(evaluators)), Assignment.ended_at.is_(None), ~is_in())
        .group_by(Assignment.evaluator_id)
    )
    return {row[0]: row[1] for row in db.session.execute(statement)}
