"""The one way that stock moves: a lot's balance and its ledger change together, and never below zero."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from flask_babel import lazy_gettext as _
from sqlalchemy import Select, func, insert, select, update

from grants.access.models import User
from grants.core.clock import local_day
from grants.core.db import db, rows_hit
from grants.core.errors import RuleBroken
from grants.delivery.models import Delivery, DeviceUnit, KitLine, MovementKind, StockLot, StockMovement
from grants.delivery.queries.goods import free_units, usable

NOTHING = Decimal("0.00")
# What goes bad first, then what came first. Everybody takes lots in this order, so no two wait for each other.
SHELF_ORDER = (StockLot.best_before.is_(None), StockLot.best_before, StockLot.received_on, StockLot.id)


@dataclass(frozen=True, slots=True)
class Portion:
    """So many units of one lot at its cost."""

    lot_id: int
    units: int
    unit_cost_usd: Decimal

    @property
    def cost_usd(self) -> Decimal:
        return self.units * self.unit_cost_usd


def post(
    lot_id: int,
    kind: MovementKind,
    quantity: int,
    *,
    by: User,
    now: datetime,
    line: KitLine | None = None,
    correction_id: int | None = None,
    expected: int | None = None,
) -> bool:
    """Move so many units (signed) in or out of a lot; False, and nothing moved, when the lot does not hold them.

    `expected`: what the lot must hold for the movement to make sense.
    """
    moved = update(StockLot).where(StockLot.id == lot_id, StockLot.on_hand + quantity >= 0)
    if expected is not None:
        moved = moved.where(StockLot.on_hand == expected)
    changed = moved.values(on_hand=StockLot.on_hand + quantity).execution_options(synchronize_session=False)
    if rows_hit(db.session.execute(changed)) != 1:
        return False
    db.session.execute(
        insert(StockMovement).values(
            lot_id=lot_id, kind=kind, quantity=quantity, by_id=by.id, at=now, correction_id=correction_id,
            delivery_id=line.delivery_id if line else None, kit_line_id=line.id if line else None,
        )
    )  # fmt: skip
    return True


def missing(lines: Sequence[KitLine], today: date) -> list[tuple[str, int]]:
    """Articles of these lines that the shelf does not hold, with how many units lack."""
    wanted: dict[int, int] = {}
    for line in lines:
        if line.item_id is not None:
            wanted[line.item_id] = wanted.get(line.item_id, 0) + line.quantity
    free = free_units(list(wanted), today)
    names = {line.item_id: line.name for line in lines}
    return [(names[item], units - free.get(item, 0)) for item, units in wanted.items() if units > free.get(item, 0)]


def expected_cost(lines: Sequence[KitLine], units: Mapping[int, DeviceUnit], today: date) -> Decimal:
    """What these lines would cost now: stock at the cost of its lots, the rest at the list's price.

    `units`: position → the device that goes in.
    """
    total, used = NOTHING, dict[int, int]()
    for line in _in_shelf_order(lines, units):
        device = units.get(line.position)
        if line.item_id is None:
            total += line.total_usd
        elif device is not None:
            total += device.lot.unit_cost_usd
        else:
            skip = used.get(line.item_id, 0)
            total += sum((one.cost_usd for one in _portions(line.item_id, line.quantity, today, skip)), NOTHING)
            used[line.item_id] = skip + line.quantity
    return total


def issue(lines: Sequence[KitLine], units: Mapping[int, DeviceUnit], *, by: User, now: datetime) -> Decimal:
    """Take a kit's articles from the shelf, oldest lot first; what they cost. RuleBroken names what is missing."""
    total = NOTHING
    for line in _in_shelf_order(lines, units):
        device = units.get(line.position)
        if line.item_id is None:
            total += line.total_usd
        elif device is not None:
            _take(device.lot_id, 1, line, by=by, now=now)
            total += device.lot.unit_cost_usd
        else:
            total += _issue_line(line, line.item_id, by=by, now=now)
    return total


def take_back(delivery: Delivery, *, came_back: Mapping[int, int] | None = None, by: User, now: datetime) -> None:
    """Put what was issued to a kit, and not taken back yet, on the shelf again, each into its lot.

    `came_back`: units by the line's id, where a count found fewer than were issued; the rest stays out.
    """
    lines = {line.id: line for line in delivery.lines}
    left = {line.id: line.quantity for line in delivery.lines} if came_back is None else dict(came_back)
    for lot_id, line_id, units in db.session.execute(_outside(delivery)).all():
        back = min(units, left.get(line_id or 0, 0))
        left[line_id or 0] = left.get(line_id or 0, 0) - back
        if back:
            post(lot_id, MovementKind.TAKE_BACK, back, by=by, now=now, line=lines[line_id or 0])


def issued_units(delivery: Delivery) -> dict[int, int]:
    """Units in the kit by the line's id, from the ledger."""
    found: dict[int, int] = {}
    for _lot, line_id, units in db.session.execute(_outside(delivery)):
        found[line_id or 0] = found.get(line_id or 0, 0) + units
    return found


def refuse_missing(lacking: Sequence[tuple[str, int]]) -> None:
    """RuleBroken that names every article that lacks, with its units."""
    if lacking:
        what = ", ".join(f"{name} ({units})" for name, units in lacking)
        raise RuleBroken(
            _("The shelf does not hold enough: %(what)s. Receive what lacks, or propose a substitution.", what=what)
        )


def _issue_line(line: KitLine, item_id: int, *, by: User, now: datetime) -> Decimal:
    """Lot after lot. Somebody may be faster at one: then the shelf is read again, until it is empty."""
    left, cost = line.quantity, NOTHING
    while left:
        portions = _portions(item_id, left, local_day(now))
        if sum(one.units for one in portions) < left:
            refuse_missing([(line.name, left - sum(one.units for one in portions))])
        for one in portions:
            if post(one.lot_id, MovementKind.ISSUE, -one.units, by=by, now=now, line=line):
                left -= one.units
                cost += one.cost_usd
    return cost


def _take(lot_id: int, units: int, line: KitLine, *, by: User, now: datetime) -> None:
    if not post(lot_id, MovementKind.ISSUE, -units, by=by, now=now, line=line):
        refuse_missing([(line.name, units)])


def _portions(item_id: int, wanted: int, today: date, skip: int = 0) -> list[Portion]:
    """From which lots so many units come, after the first `skip`; fewer when the shelf holds fewer."""
    columns = select(StockLot.id, StockLot.on_hand, StockLot.unit_cost_usd)
    lots = db.session.execute(columns.where(StockLot.item_id == item_id, *usable(today)).order_by(*SHELF_ORDER)).all()
    portions: list[Portion] = []
    for lot_id, on_hand, cost in lots:
        passed = min(skip, on_hand)
        units = min(wanted, on_hand - passed)
        skip, wanted = skip - passed, wanted - units
        if units:
            portions.append(Portion(lot_id, units, cost))
    return portions


def _in_shelf_order(lines: Sequence[KitLine], units: Mapping[int, DeviceUnit]) -> list[KitLine]:
    def key(line: KitLine) -> tuple[object, ...]:
        device = units.get(line.position)
        lot = (date.max, date.max, 0)
        if device is not None:
            lot = (device.lot.best_before or date.max, device.lot.received_on, device.lot_id)
        return line.item_id or 0, *lot, line.position

    return sorted(lines, key=key)


def _outside(delivery: Delivery) -> Select[int, int | None, int]:
    """Lot, line and units that left for this kit and have not come back."""
    units = -func.sum(StockMovement.quantity)
    return (
        select(StockMovement.lot_id, StockMovement.kit_line_id, units)
        .join(StockLot, StockLot.id == StockMovement.lot_id)
        .where(StockMovement.delivery_id == delivery.id)
        .group_by(StockMovement.lot_id, StockMovement.kit_line_id, StockLot.item_id, *SHELF_ORDER)
        .having(units > 0)
        .order_by(StockLot.item_id, *SHELF_ORDER, StockMovement.kit_line_id)
    )
