"""Articles, lots on the shelf, recipes and devices for tests."""

import secrets
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from grants.access.models import User
from grants.access.permissions import Role
from grants.core.clock import local_day, utcnow
from grants.core.db import db
from grants.delivery import services
from grants.delivery.models import (
    Category,
    Delivery,
    DeliveryState,
    Item,
    KitLine,
    KitRecipe,
    KitSubstitution,
    StockCorrection,
    StockLot,
    SubstitutionReason,
    Supplier,
)
from grants.delivery.services import catalogue, recipes, stock, substitution
from grants.delivery.services.stock import Arrival
from grants.delivery.services.substitution import Instead
from grants.selection.models import Award
from tests.factories.access import make_user
from tests.factories.selection import make_award

PHONE_IMEI = "490154203237518"  # the worked example of GSM 02.16's check digit
LIMIT = Decimal(50)


def keeper() -> User:
    return make_user(Role.WAREHOUSE)


def make_supplier(name: str = "") -> Supplier:
    return catalogue.save_supplier(
        None, name=name or f"Comercial {secrets.token_hex(4)}", contact="0991234567", by=keeper(), now=utcnow()
    )


def make_item(name: str = "", **facts: Any) -> Item:
    """An article of USD 10.00 without serial numbers, unless told otherwise."""
    values: dict[str, Any] = {
        "unit": "unidad", "category": Category.MATERIALS, "reference_price_usd": Decimal("10.00"), **facts
    }  # fmt: skip
    written = catalogue.ItemFacts(name or f"Artículo {secrets.token_hex(4)}", **values)
    return catalogue.save_item(None, written, by=keeper(), now=utcnow())


def make_lot(item: Item | None = None, quantity: int = 10, **more: Any) -> StockLot:
    """A lot that came yesterday at the article's own price."""
    item = item or make_item()
    values: dict[str, Any] = {
        "unit_cost_usd": item.reference_price_usd, "invoice": f"001-001-{secrets.randbelow(10**9):09d}",
        "received_on": local_day(utcnow()) - timedelta(days=1), **more,
    }  # fmt: skip
    supplier = values.pop("supplier", None) or make_supplier()
    arrival = Arrival(item, supplier, quantity, **values)
    return stock.receive(arrival, by=keeper(), now=utcnow())


def make_recipe(*lines: tuple[Item, int]) -> KitRecipe:
    """A recipe of these articles; of two units of a new one when none is named."""
    return catalogue.save_recipe(
        None, name=f"Kit {secrets.token_hex(4)}", lines=lines or ((make_item(), 2),), by=keeper(), now=utcnow()
    )


def make_kit(*lines: tuple[Item, int], approved: bool = True, award: Award | None = None) -> Delivery:
    """A delivery with this kit, by recipe, approved by two unless told otherwise."""
    now = utcnow()
    delivery = recipes.plan_by_recipe(
        award or make_award(), make_recipe(*lines), by=make_user(Role.COORDINATOR), now=now
    )
    if approved:
        for _n in range(2):
            services.approve(delivery, by=make_user(Role.COORDINATOR), now=now)
        assert delivery.state is DeliveryState.APPROVED
    return delivery


def pack(delivery: Delivery, *, by: User | None = None, serials: dict[int, str] | None = None) -> None:
    """Pack a kit that is counted right."""
    counted = {line.position: line.quantity for line in delivery.lines}
    services.pack(delivery, counted=counted, serials=serials or {}, by=by or keeper(), now=utcnow())


def on_hand(lot: StockLot) -> int:
    db.session.refresh(lot)
    return lot.on_hand


def line_at(delivery: Delivery, position: int) -> KitLine:
    return next(line for line in delivery.lines if line.position == position)


def days_from_now(days: int) -> date:
    return local_day(utcnow()) + timedelta(days=days)


def make_correction(lot: StockLot | None = None) -> StockCorrection:
    """A count that found nothing where ten units should be; it waits for a second person."""
    return stock.count(lot or make_lot(), 0, limit_usd=LIMIT, by=keeper(), now=utcnow())


def make_substitution(delivery: Delivery | None = None) -> KitSubstitution:
    """The first line of an approved kit bought for this person at half its price; it waits for approval."""
    line = line_at(delivery or make_kit((make_item(), 4)), 1)
    instead = Instead(line.name, line.quantity, line.unit_price_usd / 2)
    reason = SubstitutionReason.PRICE_CHANGED
    return substitution.substitute(line, instead, reason, percent=Decimal(5), by=keeper(), now=utcnow())
