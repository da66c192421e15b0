"""From an award to an approved delivery."""

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import datetime
from decimal import Decimal

from flask_babel import lazy_gettext as _
from sqlalchemy import case, update
from sqlalchemy.exc import IntegrityError

from grants.access.models import User
from grants.applications.models import PlanItem
from grants.calls.models import CallKind
from grants.core.db import db, rows_hit
from grants.core.errors import RuleBroken
from grants.delivery import queries
from grants.delivery.models import Delivery, DeliveryState, Duty, KitLine, Reason
from grants.delivery.services import ledger
from grants.delivery.services.moves import move, note, take_duty
from grants.people.folio import new_folio
from grants.selection.models import Award
from grants.selection.services import asked_before_end, claim_active_award

DEVICE = "Dispositivo electrónico"  # goods are named in the programme's language, as on the acta
HAS_ONE = _("This award already has a delivery. Open it instead of planning another.")
APPROVALS = 2
NOTHING = Decimal("0.00")


@asked_before_end
def refuse_while_delivered(award: Award) -> None:
    """An award with a live delivery does not end: its place would go to somebody else and two kits would go out."""
    live = queries.live_delivery(award.id)
    if live is None:
        return
    if live.confirmed_at is not None:
        raise RuleBroken(_("The kit of this award was handed over: the award can no longer end."))
    raise RuleBroken(_("The kit of this award is under way. Cancel its delivery, or bring the kit back to the "
                       "warehouse, before the award ends."))  # fmt: skip


def plan_delivery(award: Award, *, by: User, now: datetime, lines: Sequence[KitLine] | None = None) -> Delivery:
    """Plan the award's only live delivery. Its kit is the application's item list, never above the award's value less
    what stayed with the person from an earlier kit.

    `lines`: the kit, where it comes from a recipe.
    """
    claim_active_award(award)
    listed = kit_lines(award) if lines is None else lines
    ceiling_usd = ceiling_of(award)
    lines = fitted(without_what_stayed(award, listed), ceiling_usd)
    if listed and not lines:
        raise RuleBroken(_("Everything on the list stayed with the person when an earlier kit came back, or is worth "
                           "more than what is left of the award."))  # fmt: skip
    if not lines:
        raise RuleBroken(_("The plan has no item that fits the award's value. Correct the item list first."))
    value_usd = sum((line.total_usd for line in lines), NOTHING)
    person = award.application.person
    delivery = Delivery(
        folio=new_folio("D"),
        award_id=award.id,
        person_id=person.id,
        canton_code=person.canton_code,
        state=DeliveryState.PLANNED,
        value_usd=value_usd,
        ceiling_usd=ceiling_usd,
        agreed_usd=value_usd,
        created_by_id=by.id,
        created_at=now,
        lines=lines,
    )
    if queries.own_handover(award.id, by) is not None:
        raise RuleBroken(HAS_ONE)  # also where it is made again: whoever handed it over is not told
    try:
        with db.session.begin_nested():
            db.session.add(delivery)
    except IntegrityError as error:
        raise RuleBroken(HAS_ONE) from error
    if ceiling_of(award) != ceiling_usd:
        # The earlier kit ended while this row waited for its place, and left something with the person.
        raise RuleBroken(_("An earlier delivery of this award was decided at the same moment. Plan it again."))
    note(delivery, DeliveryState.DRAFT, by=by, now=now)
    return delivery


def approve(delivery: Delivery, *, by: User, now: datetime) -> None:
    """Sign the plan. It takes two people, neither of whom planned it; the second signature approves it."""
    if delivery.created_by_id == by.id:
        raise RuleBroken(_("You planned this delivery. Two other people must approve it."))
    if delivery.state is not DeliveryState.PLANNED:
        raise RuleBroken(_("Only a planned delivery can be approved. Open it again to see where it stands."))
    claim_active_award(delivery.award)
    take_duty(delivery, Duty.APPROVE, by=by)
    last = Delivery.approvals == APPROVALS - 1
    signed = db.session.execute(
        update(Delivery)
        .where(Delivery.id == delivery.id, Delivery.state == DeliveryState.PLANNED)
        .values(
            approvals=Delivery.approvals + 1,
            state=case((last, DeliveryState.APPROVED), else_=DeliveryState.PLANNED),
        )
        .execution_options(synchronize_session=False)
    )
    if rows_hit(signed) != 1:
        raise RuleBroken(_("This delivery was already moved by somebody. Open it again to see where it stands."))
    db.session.refresh(delivery)
    note(delivery, DeliveryState.PLANNED, by=by, now=now, duty=Duty.APPROVE)


def cancel(delivery: Delivery, *, reason: Reason, by: User, now: datetime) -> None:
    """End a delivery before it leaves. The award may be planned again; serial numbers and stock are free again."""
    if delivery.carried_since is not None:
        raise RuleBroken(_("A team has this kit. It comes back to the warehouse before its delivery is cancelled."))
    at_home = (Delivery.carried_since.is_(None),)
    move(delivery, DeliveryState.CANCELLED, by=by, now=now, reason=reason, where=at_home)
    free_serials(delivery)
    ledger.take_back(delivery, by=by, now=now)


def free_serials(delivery: Delivery, *, kept: Iterable[KitLine] = ()) -> None:
    """The kit is no longer live: its devices may go into another. `kept`: lines that are with the person."""
    db.session.execute(
        update(KitLine)
        .where(KitLine.delivery_id == delivery.id, KitLine.id.not_in([line.id for line in kept]))
        .values(live_serial=None)
        .execution_options(synchronize_session=False)
    )


def kit_lines(award: Award) -> list[KitLine]:
    """One device, or the plan's items in order while their sum stays within the award's value."""
    plan = award.application.plan
    if award.selection.call.kind is CallKind.DEVICES:
        name = plan.items[0].name if plan is not None and plan.items else DEVICE
        return [KitLine(position=1, name=name, quantity=1, unit_price_usd=award.value_usd, needs_serial=True)]
    return _within(plan.items if plan is not None else (), award.value_usd)


def without_what_stayed(award: Award, lines: Iterable[KitLine]) -> list[KitLine]:
    """The kit less the units that stayed with the person when an earlier one came back: nobody gets them twice."""
    stayed: Counter[str] = Counter()
    for name, units, _worth_usd in queries.stayed_with_person(award.id):
        stayed[name] += units
    left: list[KitLine] = []
    for line in lines:
        kept = min(line.quantity, stayed[line.name])
        stayed[line.name] -= kept
        if line.quantity > kept:
            line.quantity, line.position = line.quantity - kept, len(left) + 1
            left.append(line)
    return left


def ceiling_of(award: Award) -> Decimal:
    """What the next kit may be worth at most: the award's value less what stayed with the person, under whatever
    name. Never below zero."""
    stayed_usd = sum((worth_usd for _name, _units, worth_usd in queries.stayed_with_person(award.id)), NOTHING)
    return max(award.value_usd - stayed_usd, NOTHING)


def fitted(lines: Iterable[KitLine], ceiling_usd: Decimal) -> list[KitLine]:
    """The lines in order, as many units of each as the ceiling still holds; positions from 1."""
    left: list[KitLine] = []
    for line in lines:
        units = min(line.quantity, int(ceiling_usd // line.unit_price_usd)) if line.unit_price_usd else line.quantity
        if units:
            line.quantity, line.position = units, len(left) + 1
            left.append(line)
            ceiling_usd -= line.total_usd
    return left


def _within(items: Iterable[PlanItem], value_usd: Decimal) -> list[KitLine]:
    lines: list[KitLine] = []
    left = value_usd
    for item in items:
        quantity = min(item.quantity, int(left // item.unit_price_usd))
        if quantity:
            line = KitLine(
                position=len(lines) + 1, name=item.name, quantity=quantity, unit_price_usd=item.unit_price_usd
            )
            lines.append(line)
            left -= line.total_usd
    return lines
