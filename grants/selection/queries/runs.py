"""Runs: their list, their rows, the cut."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Select, case, func, select
from sqlalchemy.orm import joinedload, selectinload

from grants.applications.models import Application
from grants.calls.models import Call, CallState
from grants.core.db import Page, db, get_or_refuse, keyset_page, one_or_refuse
from grants.selection.models import Outcome, Selection, SelectionApproval, SelectionRow, SelectionState

ROWS_ON_A_PAGE = 50


@dataclass(frozen=True, slots=True)
class Cut:
    """The points from which somebody without a quota is in, and the highest that are out, in hundredths."""

    lowest_in: int | None
    highest_out: int | None


def calls_to_select() -> Sequence[Call]:
    """Calls that are or were open, newest first."""
    return db.session.scalars(select(Call).where(Call.state != CallState.DRAFT).order_by(Call.id.desc())).all()


def runs_page(call_id: int | None = None, after: str | None = None) -> Page[Selection]:
    """A page of runs, newest first, of one call or of all."""
    statement = select(Selection).options(joinedload(Selection.call), joinedload(Selection.created_by))
    if call_id is not None:
        statement = statement.where(Selection.call_id == call_id)
    return keyset_page(statement, Selection.id, Selection.id, after=after, descending=True)


def get_selection(selection_id: int) -> Selection:
    """A run with its call and who signed."""
    get_or_refuse(Selection, selection_id)
    return one_or_refuse(
        select(Selection)
        .where(Selection.id == selection_id)
        .options(
            joinedload(Selection.call),
            joinedload(Selection.created_by),
            selectinload(Selection.approvals).joinedload(SelectionApproval.approved_by),
        )
        .execution_options(populate_existing=True)
    )


def published_selection(call_id: int) -> Selection | None:
    """The run of a call that was published; there is at most one."""
    return db.session.scalars(
        select(Selection).where(Selection.call_id == call_id, Selection.state == SelectionState.PUBLISHED)
    ).first()


def counts_of(selection: Selection) -> dict[Outcome, int]:
    """How many rows have each outcome."""
    statement = (
        select(SelectionRow.outcome, func.count())
        .where(SelectionRow.selection_id == selection.id)
        .group_by(SelectionRow.outcome)
    )
    found = {row[0]: row[1] for row in db.session.execute(statement)}
    return {outcome: found.get(outcome, 0) for outcome in Outcome}


def cut_of(selection: Selection) -> Cut:
    """Where the line between in and out runs."""

    chosen, waiting = SelectionRow.outcome == Outcome.CHOSEN, SelectionRow.outcome == Outcome.WAITING
    statement = select(
        func.min(case((chosen, SelectionRow.points))), func.max(case((waiting, SelectionRow.points)))
    ).where(SelectionRow.selection_id == selection.id)
    lowest_in, highest_out = db.session.execute(statement).one()
    return Cut(lowest_in if selection.cut is None else selection.cut, highest_out)


def ranked_page(selection: Selection, after: str | None = None) -> Page[SelectionRow]:
    """A page of the ranked rows, best first."""
    statement = select(SelectionRow).where(SelectionRow.selection_id == selection.id, SelectionRow.place.is_not(None))
    return keyset_page(with_ventures(statement), SelectionRow.place, SelectionRow.id, after=after,
                       size=ROWS_ON_A_PAGE)  # fmt: skip


def unranked_page(selection: Selection, after: str | None = None) -> Page[SelectionRow]:
    """A page of the rows without a place, in the order of their applications."""
    statement = select(SelectionRow).where(SelectionRow.selection_id == selection.id, SelectionRow.place.is_(None))
    return keyset_page(with_ventures(statement), SelectionRow.application_id, SelectionRow.id, after=after,
                       size=ROWS_ON_A_PAGE)  # fmt: skip


def with_ventures(statement: Select[SelectionRow]) -> Select[SelectionRow]:
    """Rows with their application and plan."""
    return statement.options(joinedload(SelectionRow.application).joinedload(Application.plan))


def rows_for_act(selection: Selection) -> Sequence[SelectionRow]:
    """All ranked rows with their applications, best first."""
    return db.session.scalars(
        select(SelectionRow)
        .where(SelectionRow.selection_id == selection.id, SelectionRow.place.is_not(None))
        .options(joinedload(SelectionRow.application))
        .order_by(SelectionRow.place)
    ).all()
