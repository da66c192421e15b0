"""Appeals: which wait and until when, and who may hear one."""

from collections.abc import Sequence

from sqlalchemy import ColumnElement, Select, func, select
from sqlalchemy.orm import joinedload, selectinload

from grants.access.models import User
from grants.access.permissions import Permission
from grants.applications.models import Application
from grants.core.db import Page, db, get_or_refuse, keyset_page, one_or_refuse
from grants.evaluation.models import Assignment, CallConflict, ConflictOfInterest, Moderation, ScoreSheet
from grants.evaluation.queries import declared
from grants.selection.models import Appeal, AppealPanelist, Award, AwardState, Selection, SelectionApproval


def _hidden(reader: User) -> ColumnElement[bool]:
    return declared(Appeal.application_id, reader.id)


def _on_panel(reader: User) -> ColumnElement[bool]:
    return (
        select(AppealPanelist.id)
        .where(AppealPanelist.appeal_id == Appeal.id, AppealPanelist.user_id == reader.id)
        .exists()
    )


def appeals_for(reader: User) -> Select[Appeal]:
    """Appeals this person may see: all for those who see selections, else those they hear; none under a conflict."""
    found = select(Appeal).where(~_hidden(reader))
    return found if reader.may(Permission.VIEW_SELECTION) else found.where(_on_panel(reader))


def appeals_page(reader: User, *, open_ones: bool = True, after: str | None = None) -> Page[Appeal]:
    """A page of the appeals that wait for a decision, or of those decided; oldest first."""
    statement = appeals_for(reader).where(Appeal.decided_at.is_(None) if open_ones else Appeal.decided_at.is_not(None))
    options = (
        joinedload(Appeal.application),
        joinedload(Appeal.selection).joinedload(Selection.call),
        selectinload(Appeal.panel),
    )
    return keyset_page(statement.options(*options), Appeal.id, Appeal.id, after=after)


def appeals_waiting(reader: User, *, limit: int) -> Sequence[Appeal]:
    """The appeals that wait for a decision, the nearest deadline first: for a coordinator all, else those they hear."""
    statement = appeals_for(reader).where(Appeal.decided_at.is_(None))
    if not reader.may(Permission.RUN_SELECTION):
        statement = statement.where(_on_panel(reader))
    options = (joinedload(Appeal.application), selectinload(Appeal.panel))
    return db.session.scalars(statement.options(*options).order_by(Appeal.decide_by, Appeal.id).limit(limit)).all()


def get_appeal(appeal_id: int, reader: User) -> Appeal:
    """An appeal with its panel; NotFound for somebody with a conflict, or with no part in it."""
    get_or_refuse(Appeal, appeal_id)
    return one_or_refuse(
        appeals_for(reader)
        .where(Appeal.id == appeal_id)
        .options(
            joinedload(Appeal.application).joinedload(Application.person),
            joinedload(Appeal.selection).joinedload(Selection.call),
            joinedload(Appeal.filed_by),
            joinedload(Appeal.proposed_by),
            joinedload(Appeal.decided_by),
            joinedload(Appeal.award),
            selectinload(Appeal.panel).joinedload(AppealPanelist.user),
        )
        .execution_options(populate_existing=True)
    )


def appeal_by_folio(folio: str, reader: User) -> Appeal | None:
    """The appeal of a folio, if this reader may see it."""
    return db.session.scalars(appeals_for(reader).where(Appeal.folio == folio)).first()


def appeal_of(application_id: int) -> Appeal | None:
    """The newest appeal of an application."""
    return db.session.scalars(
        select(Appeal)
        .where(Appeal.application_id == application_id)
        .order_by(Appeal.id.desc())
        .limit(1)
        .execution_options(populate_existing=True)
    ).first()


def had_a_part(appeal: Appeal) -> frozenset[int]:
    """Who may not hear it: whoever wrote down, scored or moderated it, made or signed the run, or has a conflict."""
    application, run = appeal.application_id, appeal.selection_id
    statements = (
        select(ScoreSheet.evaluator_id).where(ScoreSheet.application_id == application),
        select(Assignment.evaluator_id).where(Assignment.application_id == application, Assignment.ended_at.is_(None)),
        select(ConflictOfInterest.evaluator_id).where(ConflictOfInterest.application_id == application),
        select(CallConflict.evaluator_id)
        .join(Application, Application.call_id == CallConflict.call_id)
        .where(Application.id == application),
        select(Moderation.decided_by_id).where(
            Moderation.application_id == application, Moderation.decided_by_id.is_not(None)
        ),
        select(SelectionApproval.approved_by_id).where(SelectionApproval.selection_id == run),
        select(Selection.created_by_id).where(Selection.id == run),
        select(Application.created_by_id).where(Application.id == application),
    )
    first, *others = statements
    return frozenset(db.session.scalars(first.union(*others)))


def panel_candidates(appeal: Appeal) -> list[User]:
    """Who may hear an appeal: active, entitled to decide, and without a part in its outcome. Two queries."""
    excluded = had_a_part(appeal)
    active = select(User).where(User.deactivated_at.is_(None), User.suspended_at.is_(None)).order_by(User.id)
    return [
        user for user in db.session.scalars(active) if user.id not in excluded and user.may(Permission.DECIDE_APPEAL)
    ]


def free_places(selection: Selection) -> int:
    """Places of a run that nobody has: awards ended and nobody was waiting, or fewer ranked than places."""
    active = select(func.count(Award.id)).where(Award.selection_id == selection.id, Award.state == AwardState.ACTIVE)
    return selection.places - (db.session.scalar(active) or 0)
