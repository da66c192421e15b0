"""Awards and the waiting list of a call."""

from collections.abc import Sequence

from sqlalchemy import func, select
from sqlalchemy.orm import joinedload

from grants.access.models import User
from grants.applications.models import Application, BusinessPlan
from grants.calls.models import Call
from grants.core.db import Page, db, get_or_refuse, keyset_page, one_or_refuse
from grants.core.errors import NotFound
from grants.evaluation.queries import conflicted_applications
from grants.selection.models import Award, AwardState, Selection, SelectionRow, WaitingListEntry


def awards_page(call: Call, after: str | None = None) -> Page[Award]:
    """A page of a call's awards in the order they were given."""
    statement = (
        select(Award)
        .join(Award.selection)
        .where(Selection.call_id == call.id)
        .options(
            joinedload(Award.application).joinedload(Application.plan),
            joinedload(Award.replaces).joinedload(Award.application),
        )
    )
    return keyset_page(statement, Award.id, Award.id, after=after)


def award_counts(call: Call) -> dict[AwardState, int]:
    """How many awards of a call are in each state."""
    statement = (
        select(Award.state, func.count())
        .join(Award.selection)
        .where(Selection.call_id == call.id)
        .group_by(Award.state)
    )
    found = {row[0]: row[1] for row in db.session.execute(statement)}
    return {state: found.get(state, 0) for state in AwardState}


def get_award(award_id: int, *, reader: User) -> Award:
    """An award with its application and plan. NotFound for a reader with a conflict about it."""
    get_or_refuse(Award, award_id)
    application = joinedload(Award.application)
    award = one_or_refuse(
        select(Award)
        .where(Award.id == award_id)
        .options(
            joinedload(Award.selection).joinedload(Selection.call),
            application.joinedload(Application.plan).selectinload(BusinessPlan.items),
            joinedload(Award.replaces).joinedload(Award.application),
        )
        .execution_options(populate_existing=True)
    )
    if award.application_id in conflicted_applications(reader, award.selection.call_id):
        raise NotFound
    return award


def active_award(application_id: int) -> Award | None:
    """The award of an application that stands, read anew."""
    statement = select(Award).where(Award.application_id == application_id, Award.state == AwardState.ACTIVE)
    return db.session.scalars(statement.execution_options(populate_existing=True)).first()


def award_of(application_id: int) -> Award | None:
    """The award of an application, whether it stands or has ended."""
    return db.session.scalars(select(Award).where(Award.application_id == application_id)).first()


def row_of(award: Award) -> SelectionRow | None:
    """The award's row in its run: points, place and why."""
    statement = select(SelectionRow).where(
        SelectionRow.selection_id == award.selection_id, SelectionRow.application_id == award.application_id
    )
    return db.session.scalars(statement).first()


def replacement_of(award: Award) -> Award | None:
    """The award that took this one's place."""
    statement = select(Award).where(Award.replaces_id == award.id).options(joinedload(Award.application))
    return db.session.scalars(statement).first()


def waiting_page(selection: Selection, after: str | None = None) -> Page[WaitingListEntry]:
    """A page of the waiting list in its order."""
    statement = (
        select(WaitingListEntry)
        .where(WaitingListEntry.selection_id == selection.id)
        .options(joinedload(WaitingListEntry.application).joinedload(Application.plan))
    )
    return keyset_page(statement, WaitingListEntry.position, WaitingListEntry.id, after=after)


def open_entries(selection: Selection, *, limit: int | None = None) -> Sequence[WaitingListEntry]:
    """Those who wait and were neither promoted nor skipped, in their order, read anew."""
    statement = (
        select(WaitingListEntry)
        .where(
            WaitingListEntry.selection_id == selection.id,
            WaitingListEntry.award_id.is_(None),
            WaitingListEntry.skipped_reason.is_(None),
        )
        .options(joinedload(WaitingListEntry.application))
        .order_by(WaitingListEntry.position)
        .limit(limit)
        .execution_options(populate_existing=True)
    )
    return db.session.scalars(statement).all()


def folios_with_award(selection: Selection) -> frozenset[str]:
    """The folios whose award of this run stands."""
    statement = (
        select(Application.folio)
        .join(Award, Award.application_id == Application.id)
        .where(Award.selection_id == selection.id, Award.state == AwardState.ACTIVE)
    )
    return frozenset(db.session.scalars(statement))


def first_waiting(selection: Selection) -> WaitingListEntry | None:
    """Who stands first on the waiting list. Where quotas are kept, somebody further down may be called first."""
    return next(iter(open_entries(selection, limit=1)), None)
