"""Questions about the warehouse: articles, lots, the ledger, recipes, corrections and substitutions."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from sqlalchemy import ColumnElement, Select, case, func, select
from sqlalchemy.orm import joinedload, selectinload

from grants.access.models import User
from grants.core.db import Page, db, keyset_page, one_or_refuse
from grants.delivery.imei import normal_imei
from grants.delivery.models import (
    CorrectionState,
    Delivery,
    DeviceUnit,
    Item,
    KitLine,
    KitRecipe,
    RecipeLine,
    StockCorrection,
    StockLot,
    StockMovement,
    Supplier,
)

MOST_SHOWN = 50


@dataclass(frozen=True, slots=True)
class OnShelf:
    """An article and its units: all of them, and those that are not past their date."""

    item: Item
    units: int
    free: int

    @property
    def is_low(self) -> bool:
        return self.item.retired_at is None and 0 < self.item.reorder_level >= self.free


def lots_that_differ() -> list[tuple[int, int, int]]:
    """Lots whose balance is not the sum of their movements: id, balance, sum. There should be none."""
    total = func.coalesce(func.sum(StockMovement.quantity), 0)
    found = (
        select(StockLot.id, StockLot.on_hand, total)
        .outerjoin(StockMovement, StockMovement.lot_id == StockLot.id)
        .group_by(StockLot.id, StockLot.on_hand)
        .having(total != StockLot.on_hand)
        .order_by(StockLot.id)
    )
    return [(lot, on_hand, int(moved)) for lot, on_hand, moved in db.session.execute(found)]


def items(*, after: str | None = None) -> Page[Item]:
    """A page of articles by name, with their usual supplier."""
    return keyset_page(select(Item).options(joinedload(Item.supplier)), Item.key, Item.id, after=after)


def offered_items() -> Sequence[Item]:
    """Every article that is still offered, by name."""
    found = select(Item).options(joinedload(Item.supplier)).where(Item.retired_at.is_(None))
    return db.session.scalars(found.order_by(Item.key, Item.id)).all()


def offered_suppliers() -> Sequence[Supplier]:
    """Every supplier that is still offered, by name."""
    found = select(Supplier).where(Supplier.retired_at.is_(None))
    return db.session.scalars(found.order_by(Supplier.key, Supplier.id)).all()


def suppliers(*, after: str | None = None) -> Page[Supplier]:
    """A page of suppliers by name."""
    return keyset_page(select(Supplier), Supplier.key, Supplier.id, after=after)


def recipes(*, after: str | None = None) -> Page[KitRecipe]:
    """A page of recipes by name, with their lines."""
    return keyset_page(_recipes(), KitRecipe.key, KitRecipe.id, after=after)


def offered_recipes() -> Sequence[KitRecipe]:
    """Every recipe that is still offered, by name, with its lines."""
    found = _recipes().where(KitRecipe.retired_at.is_(None))
    return db.session.scalars(found.order_by(KitRecipe.key, KitRecipe.id)).all()


def get_item(item_id: int) -> Item:
    """An article with its usual supplier; NotFound otherwise."""
    return one_or_refuse(select(Item).options(joinedload(Item.supplier)).where(Item.id == item_id))


def get_supplier(supplier_id: int) -> Supplier:
    return one_or_refuse(select(Supplier).where(Supplier.id == supplier_id))


def get_recipe(recipe_id: int) -> KitRecipe:
    """A recipe with its lines; NotFound otherwise."""
    return one_or_refuse(_recipes().where(KitRecipe.id == recipe_id))


def get_lot(lot_id: int) -> StockLot:
    """A lot with its article and supplier; NotFound otherwise."""
    return one_or_refuse(_lots().where(StockLot.id == lot_id))


def get_correction(correction_id: int) -> StockCorrection:
    """A correction with its lot and article; NotFound otherwise."""
    return one_or_refuse(_corrections().where(StockCorrection.id == correction_id))


def shelf(found: Sequence[Item], today: date) -> list[OnShelf]:
    """These articles with their units, in the same order."""
    usable = case((StockLot.best_before < today, 0), else_=StockLot.on_hand)
    sums = select(StockLot.item_id, func.sum(StockLot.on_hand), func.sum(usable))
    rows = db.session.execute(
        sums.where(StockLot.item_id.in_([item.id for item in found]), StockLot.on_hand > 0)
        .group_by(StockLot.item_id)
        .order_by(StockLot.item_id)
    )
    units = {item_id: (int(whole), int(free)) for item_id, whole, free in rows}
    return [OnShelf(item, *units.get(item.id, (0, 0))) for item in found]


def usable(today: date) -> tuple[ColumnElement[bool], ...]:
    """Lots that hold something and are not past their date."""
    return StockLot.on_hand > 0, StockLot.best_before.is_(None) | (StockLot.best_before >= today)


def free_units(item_ids: Iterable[int], today: date) -> dict[int, int]:
    """Units on the shelf by article, without lots past their date; articles with none are left out."""
    found = select(StockLot.item_id, func.sum(StockLot.on_hand)).where(StockLot.item_id.in_(item_ids), *usable(today))
    rows = db.session.execute(found.group_by(StockLot.item_id).order_by(StockLot.item_id))
    return {item_id: int(units) for item_id, units in rows}


def low_stock(today: date) -> list[OnShelf]:
    """Offered articles with a reorder level that have so many units or fewer, by name."""
    watched = [item for item in offered_items() if item.reorder_level]
    return [one for one in shelf(watched, today) if one.is_low]


def lots_of(item: Item) -> Sequence[StockLot]:
    """The article's lots that hold something or came last, the newest first."""
    found = _lots().where(StockLot.item_id == item.id)
    return db.session.scalars(
        found.order_by(StockLot.on_hand == 0, StockLot.received_on.desc(), StockLot.id.desc()).limit(MOST_SHOWN)
    ).all()


def lots_to_count(item: Item) -> Sequence[StockLot]:
    """The article's lots that hold something, the oldest first."""
    found = _lots().where(StockLot.item_id == item.id, StockLot.on_hand > 0)
    return db.session.scalars(found.order_by(StockLot.received_on, StockLot.id).limit(MOST_SHOWN)).all()


def ledger(item: Item, *, after: str | None = None) -> Page[StockMovement]:
    """A page of an article's movements, the newest first, with lot, kit, reason and person."""
    statement = (
        select(StockMovement)
        .join(StockLot, StockLot.id == StockMovement.lot_id)
        .where(StockLot.item_id == item.id)
        .options(
            joinedload(StockMovement.lot),
            joinedload(StockMovement.delivery),
            joinedload(StockMovement.correction),
            joinedload(StockMovement.by),
        )
    )
    return keyset_page(statement, StockMovement.id, StockMovement.id, after=after, descending=True)


def devices_of(lot: StockLot) -> Sequence[DeviceUnit]:
    """The lot's devices in the order of their writing."""
    return db.session.scalars(select(DeviceUnit).where(DeviceUnit.lot_id == lot.id).order_by(DeviceUnit.id)).all()


def devices_with(numbers: Iterable[str]) -> dict[str, DeviceUnit]:
    """Number → the device that bears it, as its serial number or its IMEI, with its lot; no number that none bears."""
    asked = {one: (one, normal_imei(one)) for one in numbers if one}
    if not asked:
        return {}
    either = [number for both in asked.values() for number in both]
    found = select(DeviceUnit).options(joinedload(DeviceUnit.lot)).order_by(DeviceUnit.id)
    units = db.session.scalars(found.where(DeviceUnit.serial_number.in_(either) | DeviceUnit.imei.in_(either)))
    known = {number: unit for unit in units for number in unit.numbers}
    return {one: known[number] for one, both in asked.items() for number in reversed(both) if number in known}


def kits_of_serials(serials: Sequence[str]) -> dict[str, Delivery]:
    """Serial number → the live kit that holds the device."""
    found = select(KitLine).options(joinedload(KitLine.delivery)).where(KitLine.live_serial.in_(serials))
    return {str(line.live_serial): line.delivery for line in db.session.scalars(found.order_by(KitLine.id))}


def corrections_of(item: Item) -> Sequence[StockCorrection]:
    """What was counted and adjusted of an article, the newest first."""
    found = _corrections().join(StockLot, StockLot.id == StockCorrection.lot_id).where(StockLot.item_id == item.id)
    return db.session.scalars(found.order_by(StockCorrection.id.desc()).limit(MOST_SHOWN)).all()


def corrected_alone_usd(keeper: User, *, since: datetime) -> Decimal:
    """What the differences are worth in all, up and down, that this person entered since then without a second one."""
    found = _corrections().where(
        StockCorrection.made_by_id == keeper.id, StockCorrection.made_at >= since, StockCorrection.variance != 0,
        StockCorrection.state == CorrectionState.APPLIED, StockCorrection.decided_by_id.is_(None),
    )  # fmt: skip
    alone = db.session.scalars(found.order_by(StockCorrection.id)).all()
    return sum((one.value_usd for one in alone), Decimal("0.00"))


def open_corrections() -> Sequence[StockCorrection]:
    """Differences that wait for a second person, the oldest first."""
    found = _corrections().where(StockCorrection.state == CorrectionState.OPEN)
    return db.session.scalars(found.order_by(StockCorrection.id).limit(MOST_SHOWN)).all()


def _lots() -> Select[StockLot]:
    return select(StockLot).options(joinedload(StockLot.item), joinedload(StockLot.supplier))


def _recipes() -> Select[KitRecipe]:
    return select(KitRecipe).options(selectinload(KitRecipe.lines).joinedload(RecipeLine.item))


def _corrections() -> Select[StockCorrection]:
    return select(StockCorrection).options(
        joinedload(StockCorrection.lot).joinedload(StockLot.item),
        joinedload(StockCorrection.made_by),
        joinedload(StockCorrection.decided_by),
    )
