"""Questions about kits: what they lack, what was replaced, whether they were checked at the point."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from sqlalchemy import Select, select
from sqlalchemy.orm import joinedload, selectinload

from grants.applications.models import Application, BusinessPlan
from grants.core.db import db, one_or_refuse
from grants.delivery.models import (
    ENDED_WITHOUT_HANDOVER,
    Delivery,
    DeliveryState,
    Item,
    KitLine,
    KitSubstitution,
    SubstitutionState,
)
from grants.delivery.queries.goods import MOST_SHOWN, free_units
from grants.selection.models import Award, AwardState, Selection


@dataclass(frozen=True, slots=True)
class ToFill:
    """A kit that waits for packing, and the articles that lack with their units."""

    delivery: Delivery
    lacking: Sequence[tuple[str, int]]


def get_substitution(substitution_id: int) -> KitSubstitution:
    """A substitution with its delivery and the kit's lines; NotFound otherwise."""
    kit = joinedload(KitSubstitution.delivery)
    found = _substitutions().options(kit.selectinload(Delivery.lines), kit.joinedload(Delivery.award))
    return one_or_refuse(found.where(KitSubstitution.id == substitution_id))


def open_substitutions() -> Sequence[KitSubstitution]:
    """Substitutions that wait for approval, the oldest first."""
    found = _substitutions().where(KitSubstitution.state == SubstitutionState.OPEN)
    return db.session.scalars(found.order_by(KitSubstitution.id).limit(MOST_SHOWN)).all()


def substitutions_of(delivery: Delivery) -> Sequence[KitSubstitution]:
    """What was replaced in a kit, the oldest first, with who and why."""
    found = _substitutions().where(KitSubstitution.delivery_id == delivery.id)
    return db.session.scalars(found.order_by(KitSubstitution.id)).all()


def kits_to_fill(today: date) -> list[ToFill]:
    """Approved kits in the order of their folios, and what lacks when each takes from the shelf in that order."""
    found = select(Delivery).options(joinedload(Delivery.canton), selectinload(Delivery.lines))
    found = found.where(Delivery.state == DeliveryState.APPROVED).order_by(Delivery.folio, Delivery.id)
    kits = db.session.scalars(found.limit(MOST_SHOWN)).all()
    free = free_units({line.item_id for kit in kits for line in kit.lines if line.item_id is not None}, today)
    return [ToFill(kit, _lacking(kit, free)) for kit in kits]


def _lacking(kit: Delivery, free: dict[int, int]) -> list[tuple[str, int]]:
    """What the kit lacks. `free`: units by article; the kit's units are taken out of it."""
    lacking = []
    for line in kit.lines:
        if line.item_id is not None:
            taken = min(line.quantity, free.get(line.item_id, 0))
            free[line.item_id] = free.get(line.item_id, 0) - taken
            if taken < line.quantity:
                lacking.append((line.name, line.quantity - taken))
    return lacking


def kits_in(*states: DeliveryState) -> Sequence[Delivery]:
    """Deliveries in these states with their canton, by folio."""
    found = select(Delivery).options(joinedload(Delivery.canton)).where(Delivery.state.in_(states))
    return db.session.scalars(found.order_by(Delivery.folio, Delivery.id).limit(MOST_SHOWN)).all()


def get_line(line_id: int) -> KitLine:
    """A line of a kit with its article, its delivery and all lines; NotFound otherwise."""
    kit = joinedload(KitLine.delivery)
    found = select(KitLine).options(
        joinedload(KitLine.item), kit.selectinload(Delivery.lines), kit.joinedload(Delivery.award)
    )
    return one_or_refuse(found.where(KitLine.id == line_id))


def lines_to_pack() -> Sequence[KitLine]:
    """Lines of kits that are planned or approved and not packed, with article and usual supplier."""
    found = select(KitLine).join(Delivery, Delivery.id == KitLine.delivery_id)
    found = found.where(Delivery.state.in_((DeliveryState.PLANNED, DeliveryState.APPROVED)))
    found = found.options(joinedload(KitLine.item).joinedload(Item.supplier))
    return db.session.scalars(found.order_by(KitLine.delivery_id, KitLine.position)).all()


def awards_without_delivery() -> Sequence[Award]:
    """Every active award without a live delivery, with its plan's items and its call."""
    live = select(Delivery.id).where(Delivery.award_id == Award.id, Delivery.state.not_in(ENDED_WITHOUT_HANDOVER))
    plan = joinedload(Award.application).joinedload(Application.plan).selectinload(BusinessPlan.items)
    found = select(Award).options(plan, joinedload(Award.selection).joinedload(Selection.call))
    found = found.where(Award.state == AwardState.ACTIVE, ~live.exists())
    return db.session.scalars(found.order_by(Award.id)).unique().all()


def _substitutions() -> Select[KitSubstitution]:
    return select(KitSubstitution).options(
        joinedload(KitSubstitution.delivery),
        joinedload(KitSubstitution.item_after),
        joinedload(KitSubstitution.made_by),
        joinedload(KitSubstitution.decided_by),
    )
