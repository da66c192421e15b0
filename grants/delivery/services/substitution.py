"""Another article, quantity or price in an approved kit; and which article of the catalogue a line is."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal

from flask_babel import lazy_gettext as _
from sqlalchemy import update
from sqlalchemy.exc import IntegrityError

from grants.access.models import User
from grants.core import journal
from grants.core.db import db, rows_hit
from grants.core.errors import RuleBroken
from grants.delivery import queries
from grants.delivery.models import (
    Delivery,
    DeliveryState,
    Duty,
    Item,
    KitLine,
    KitSubstitution,
    SubstitutionReason,
    SubstitutionState,
)
from grants.delivery.services.moves import take_duty
from grants.delivery.services.worth import USUAL_PERCENT, moves_too_far, refuse_above_ceiling, refuse_while_open

MATCHED_IN = (DeliveryState.PLANNED, DeliveryState.APPROVED)


@dataclass(frozen=True, slots=True)
class Instead:
    """What a line becomes. Without an article it is bought for this person and touches no stock; with one the
    catalogue's price counts, whatever was typed."""

    name: str
    quantity: int
    unit_price_usd: Decimal
    item: Item | None = None

    @property
    def total_usd(self) -> Decimal:
        return self.quantity * self.unit_price_usd


def substitute(
    line: KitLine, instead: Instead, reason: SubstitutionReason, *, percent: Decimal, by: User, now: datetime
) -> KitSubstitution:
    """Replace a line of an approved kit. When its value moves more than `percent` from what two people approved, in
    all since then, the change waits for approval and the kit is not packed meanwhile."""
    delivery, instead = line.delivery, _at_own_price(instead)
    _refuse_unless_approved(delivery)
    refuse_while_open(delivery)
    _refuse_odd(line, instead)
    value_usd = delivery.value_usd - line.total_usd + instead.total_usd
    refuse_above_ceiling(delivery, value_usd)
    needs_approval = moves_too_far(value_usd, delivery.agreed_usd or delivery.value_usd, percent)
    found = _written(line, instead, reason, value_usd, needs_approval=needs_approval, by=by, now=now)
    if needs_approval:
        _renumber(delivery)
    else:
        _apply(found, delivery, line)
    action = "substitution.proposed" if needs_approval else "substitution.applied"
    journal.record(by, action, found, at=now, delivery=delivery.id, position=line.position)
    return found


def approve_substitution(found: KitSubstitution, *, by: User, now: datetime) -> None:
    """Agree to a substitution that somebody else proposed: it enters the kit, and its value is the agreed one."""
    delivery = found.delivery
    _refuse_unless_approved(delivery)
    _decide(found, SubstitutionState.APPLIED, by=by, now=now)
    refuse_above_ceiling(delivery, found.value_after_usd)
    line = next(one for one in delivery.lines if one.position == found.position)
    _apply(found, delivery, line)
    delivery.agreed_usd = found.value_after_usd
    db.session.flush()
    journal.record(by, "substitution.approved", found, at=now, delivery=delivery.id)


def refuse_substitution(found: KitSubstitution, *, by: User, now: datetime) -> None:
    """Do not agree: the kit stays as it was and can be packed."""
    _decide(found, SubstitutionState.REFUSED, by=by, now=now)
    journal.record(by, "substitution.refused", found, at=now, delivery=found.delivery_id)


def match_items(
    delivery: Delivery,
    chosen: Mapping[int, Item | None],
    *,
    percent: Decimal = USUAL_PERCENT,
    by: User,
    now: datetime,
) -> None:
    """Say which article of the catalogue each line is (position → article): it is then taken from the shelf. An
    article whose price is more than `percent` away from the line's is another thing: that is a substitution. So is
    another article than the one that was approved."""
    if delivery.state not in MATCHED_IN:
        raise RuleBroken(_("Articles are chosen before the kit is packed."))
    refuse_while_open(delivery)
    for line in delivery.lines:
        _refuse_unrecorded(delivery, line, chosen)
        _refuse_other_price(line, chosen.get(line.position), percent)
    for line in list(delivery.lines):
        if line.position in chosen:
            _match(delivery, line, chosen[line.position])
    _renumber(delivery)
    journal.record(by, "delivery.matched", delivery, at=now)


def devices_apart(lines: list[KitLine]) -> list[KitLine]:
    """The lines with every device in a line of its own, for its serial number; positions from 1."""
    single: list[KitLine] = []
    for line in lines:
        for _n in range(line.quantity if line.needs_serial else 1):
            units = 1 if line.needs_serial else line.quantity
            single.append(_copy(line, units, len(single) + 1))
    return single


def _copy(line: KitLine, quantity: int, position: int) -> KitLine:
    return KitLine(position=position, name=line.name, quantity=quantity, unit_price_usd=line.unit_price_usd,
                   item_id=line.item_id, needs_serial=line.needs_serial)  # fmt: skip


def _refuse_unrecorded(delivery: Delivery, line: KitLine, chosen: Mapping[int, Item | None]) -> None:
    """What two people approved changes with a reason and on record, whatever the other article costs."""
    if delivery.state is not DeliveryState.APPROVED or line.item_id is None or line.position not in chosen:
        return
    item = chosen[line.position]
    if item is None or item.id != line.item_id:
        raise RuleBroken(
            _("%(name)s was approved with its article. Replace the line, with a reason, instead of choosing another.",
              name=line.name),
            field=f"item_{line.position}",
        )  # fmt: skip


def _refuse_other_price(line: KitLine, item: Item | None, percent: Decimal) -> None:
    if item is None or item.id == line.item_id:
        return
    if moves_too_far(item.reference_price_usd, line.unit_price_usd, percent):
        raise RuleBroken(
            _("%(name)s costs USD %(price)s in the catalogue, too far from the USD %(listed)s of this line. Choose the "
              "right article, or leave the line without one and replace it once the delivery is approved.",
              name=item.name, price=f"{item.reference_price_usd:.2f}", listed=f"{line.unit_price_usd:.2f}"),
            field=f"item_{line.position}",
        )  # fmt: skip


def _match(delivery: Delivery, line: KitLine, item: Item | None) -> None:
    line.item = item
    line.needs_serial = item.needs_serial if item is not None else line.needs_serial
    extra = line.quantity - 1 if line.needs_serial else 0
    line.quantity -= extra
    for _n in range(extra):
        delivery.lines.append(_copy(line, 1, len(delivery.lines) + 1))
        delivery.lines[-1].item = item
    db.session.flush()


def _at_own_price(instead: Instead) -> Instead:
    """An oven that becomes a needle is worth a needle: nobody says what an article of the catalogue costs."""
    return instead if instead.item is None else replace(instead, unit_price_usd=instead.item.reference_price_usd)


def _refuse_unless_approved(delivery: Delivery) -> None:
    if delivery.state is not DeliveryState.APPROVED:
        raise RuleBroken(_("A line is replaced after the delivery is approved and before its kit is packed."))


def _refuse_odd(line: KitLine, instead: Instead) -> None:
    if instead.quantity < 1:
        raise RuleBroken(_("Write how many, at least one."), field="quantity")
    if instead.unit_price_usd <= 0:
        raise RuleBroken(_("Write the price of one unit."), field="unit_price_usd")
    if instead.item is not None and instead.item.needs_serial and instead.quantity > 1:
        raise RuleBroken(_("A device has a line of its own. Replace one line for each device."), field="quantity")
    same = (line.item_id, line.name, line.quantity, line.unit_price_usd)
    if same == (instead.item.id if instead.item else None, instead.name, instead.quantity, instead.unit_price_usd):
        raise RuleBroken(_("Nothing changed. Choose another article, quantity or price."))


def _written(
    line: KitLine,
    instead: Instead,
    reason: SubstitutionReason,
    value_usd: Decimal,
    *,
    needs_approval: bool,
    by: User,
    now: datetime,
) -> KitSubstitution:
    found = KitSubstitution(
        delivery=line.delivery, position=line.position, kit_version=line.delivery.kit_version + 1, reason=reason,
        state=SubstitutionState.OPEN if needs_approval else SubstitutionState.APPLIED, needs_approval=needs_approval,
        name_before=line.name, name_after=instead.name, item_before_id=line.item_id, item_after=instead.item,
        quantity_before=line.quantity, quantity_after=instead.quantity, price_before_usd=line.unit_price_usd,
        price_after_usd=instead.unit_price_usd, value_before_usd=line.delivery.value_usd, value_after_usd=value_usd,
        made_by_id=by.id, made_at=now,
    )  # fmt: skip
    try:
        with db.session.begin_nested():
            db.session.add(found)
    except IntegrityError as error:
        raise RuleBroken(_("A substitution of this kit waits for approval. Decide that one first.")) from error
    return found


def _renumber(delivery: Delivery, **values: object) -> None:
    """Give the kit its next number, if it is still as it was read and nobody has packed it."""
    renumbered = (
        update(Delivery)
        .where(Delivery.id == delivery.id, Delivery.state == delivery.state)
        .where(Delivery.kit_version == delivery.kit_version)
        .values(kit_version=Delivery.kit_version + 1, **values)
        .execution_options(synchronize_session=False)
    )
    if rows_hit(db.session.execute(renumbered)) != 1:
        raise RuleBroken(_("This kit was changed by somebody. Open it again to see what it holds."))
    db.session.refresh(delivery, ["kit_version", "value_usd"])


def _apply(found: KitSubstitution, delivery: Delivery, line: KitLine) -> None:
    _renumber(delivery, value_usd=found.value_after_usd)
    found.kit_version = delivery.kit_version
    line.name, line.quantity, line.unit_price_usd = found.name_after, found.quantity_after, found.price_after_usd
    line.item = found.item_after
    if found.item_after is not None:
        line.needs_serial = found.item_after.needs_serial
    db.session.flush()


def _decide(found: KitSubstitution, state: SubstitutionState, *, by: User, now: datetime) -> None:
    if found.made_by_id == by.id:
        raise RuleBroken(_("You proposed this substitution. Somebody else must decide about it."))
    if found.delivery.created_by_id == by.id:
        raise RuleBroken(_("You planned this delivery. Somebody else must decide about the substitution."))
    if not queries.holds_duty(found.delivery, by):
        take_duty(found.delivery, Duty.APPROVE, by=by)
    decided = (
        update(KitSubstitution)
        .where(KitSubstitution.id == found.id, KitSubstitution.state == SubstitutionState.OPEN)
        .values(state=state, decided_by_id=by.id, decided_at=now)
        .execution_options(synchronize_session=False)
    )
    if rows_hit(db.session.execute(decided)) != 1:
        raise RuleBroken(_("Somebody already decided about this substitution. Reload the page."))
    db.session.refresh(found)
