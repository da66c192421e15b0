"""Questions about planning many at once: what waits for whom, and what a whole call still needs."""

from collections.abc import Sequence

from sqlalchemy import Select, func, select
from sqlalchemy.orm import joinedload, selectinload

from grants.access.models import User
from grants.applications.models import Application, BusinessPlan
from grants.calls.models import Call
from grants.core.db import ID_LIMIT, Page, db, keyset_page, one_or_refuse
from grants.delivery.models import (
    ENDED_WITHOUT_HANDOVER,
    Delivery,
    DeliveryState,
    DutyHeld,
    PlanImport,
)
from grants.delivery.queries.told import handed_over_by
from grants.evaluation.queries import conflict_declared_by
from grants.selection.models import Award, AwardState, Selection


def to_approve(user: User, *, after: str | None = None) -> Page[Delivery]:
    """A page, by folio, of planned deliveries that this user may approve: neither planned nor worked on by them."""
    statement = _to_approve(user).options(
        joinedload(Delivery.canton),
        joinedload(Delivery.person),
        joinedload(Delivery.award).joinedload(Award.selection).joinedload(Selection.call),
    )
    return keyset_page(statement, Delivery.folio, Delivery.id, after=after)


def count_to_approve(user: User) -> int:
    """How many wait for this user's approval."""
    return db.session.scalar(_to_approve(user).with_only_columns(func.count(Delivery.id))) or 0


def deliveries_of(ids: Sequence[int]) -> Sequence[Delivery]:
    """These deliveries with their award, by folio; ids of no row are left out."""
    known = [one for one in ids if 0 <= one < ID_LIMIT]
    statement = select(Delivery).options(joinedload(Delivery.award)).where(Delivery.id.in_(known))
    return db.session.scalars(statement.order_by(Delivery.folio, Delivery.id)).all()


def calls_with_awards() -> Sequence[Call]:
    """Calls in which somebody holds an award, by code."""
    won = select(Selection.id).join(Award, Award.selection_id == Selection.id).where(Selection.call_id == Call.id)
    held = won.where(Award.state == AwardState.ACTIVE)
    return db.session.scalars(select(Call).where(held.exists()).order_by(Call.code, Call.id)).all()


def get_call_with_awards(call_id: int) -> Call:
    """One of them; NotFound otherwise."""
    won = select(Selection.call_id).join(Award, Award.selection_id == Selection.id)
    return one_or_refuse(select(Call).where(Call.id == call_id, Call.id.in_(won)))


def awards_of(call: Call, *, reader: User) -> Sequence[Award]:
    """All awards of a call, ended ones too, with plan and person; none the reader has a conflict about."""
    hidden = select(Application.id).where(conflict_declared_by(reader))
    return db.session.scalars(_whole_awards(call).where(Award.application_id.not_in(hidden))).unique().all()


def unplanned_awards_of(call: Call, *, reader: User) -> Sequence[Award]:
    """Those that are active and have no live delivery, and that the reader handed nothing over for."""
    hidden = select(Application.id).where(conflict_declared_by(reader))
    live = select(Delivery.id).where(Delivery.award_id == Award.id, Delivery.state.not_in(ENDED_WITHOUT_HANDOVER))
    statement = _whole_awards(call).where(Award.state == AwardState.ACTIVE, ~live.exists())
    others = statement.where(Award.application_id.not_in(hidden), Award.id.not_in(handed_over_by(reader)))
    return db.session.scalars(others).unique().all()


def live_deliveries_of(call: Call) -> dict[int, Delivery]:
    """The call's deliveries that have not ended without a handover, by award."""
    statement = (
        select(Delivery)
        .join(Award, Award.id == Delivery.award_id)
        .join(Selection, Selection.id == Award.selection_id)
        .options(joinedload(Delivery.award), joinedload(Delivery.person), joinedload(Delivery.risk_snapshot))
        .where(Selection.call_id == call.id, Delivery.state.not_in(ENDED_WITHOUT_HANDOVER))
    )
    return {one.award_id: one for one in db.session.scalars(statement.order_by(Delivery.id))}


def get_import(import_id: int, *, reader: User) -> PlanImport:
    """A spreadsheet that this user sent; NotFound otherwise."""
    own = select(PlanImport).options(joinedload(PlanImport.call))
    return one_or_refuse(own.where(PlanImport.id == import_id, PlanImport.created_by_id == reader.id))


def open_imports(user: User) -> Sequence[PlanImport]:
    """What this user sent and did not apply."""
    own = select(PlanImport).where(PlanImport.created_by_id == user.id, PlanImport.applied_at.is_(None))
    return db.session.scalars(own.order_by(PlanImport.id)).all()


def _to_approve(user: User) -> Select[Delivery]:
    involved = select(DutyHeld.delivery_id).where(DutyHeld.user_id == user.id)
    return select(Delivery).where(
        Delivery.state == DeliveryState.PLANNED, Delivery.created_by_id != user.id, Delivery.id.not_in(involved)
    )


def _whole_awards(call: Call) -> Select[Award]:
    application = joinedload(Award.application)
    return (
        select(Award)
        .join(Selection, Selection.id == Award.selection_id)
        .options(
            application.joinedload(Application.person),
            application.joinedload(Application.plan).options(selectinload(BusinessPlan.items)),
            joinedload(Award.selection).joinedload(Selection.call),
        )
        .where(Selection.call_id == call.id)
        .order_by(Award.id)
    )
