"""A small warehouse: articles of the plans, what is on the shelf, a recipe, and something that runs low."""

from decimal import Decimal

from grants.access.models import User
from grants.access.permissions import Role
from grants.delivery.models import Category, Item, Supplier
from grants.delivery.services import catalogue, stock
from grants.delivery.services.catalogue import ItemFacts
from grants.delivery.services.stock import Arrival
from grants.demo.corner.setting import Setting
from grants.demo.facts import words

KEPT_UNITS = {"Saco de harina de 50 kg": 6, "Lata para hornear": 24}  # the rest is bought when a kit needs it
REORDER_LEVELS = {"Saco de harina de 50 kg": 10, "Lata para hornear": 12}
TABLET, TABLET_USD = "Tableta", Decimal("180.00")
TABLETS = ("TB-0001", "TB-0002", "TB-0003")
OPENED_ON, RECEIVED_ON = -30, -25


def build_goods(setting: Setting) -> None:
    """Bakers' goods under the plans' own names, so that they are offered for the lines of a kit; three tablets."""
    keeper, now = setting.staff[Role.WAREHOUSE][0], setting.morning(OPENED_ON)
    andes, tech = (
        catalogue.save_supplier(None, name=name, contact="", by=keeper, now=now)
        for name in ("Comercial Los Andes", "Distribuidora Imbabura Digital")
    )
    bakers = [
        _item(setting, keeper, str(name), Decimal(price), andes)
        for venture in words()["ventures"] if venture["name"] == "Panadería" for name, price in venture["goods"]
    ]  # fmt: skip
    for item in bakers:
        if item.name in KEPT_UNITS:
            _lot(setting, keeper, item, andes, KEPT_UNITS[item.name])
    catalogue.save_recipe(None, name="Kit panadería", lines=[(item, 1) for item in bakers], by=keeper, now=now)
    _tablets(setting, keeper, tech)


def _tablets(setting: Setting, keeper: User, supplier: Supplier) -> None:
    facts = ItemFacts(TABLET, "unidad", Category.DEVICES, TABLET_USD, needs_serial=True, supplier=supplier)
    item = catalogue.save_item(None, facts, by=keeper, now=setting.morning(OPENED_ON))
    lot = stock.receive(_arrival(setting, item, supplier, len(TABLETS)), by=keeper, now=setting.morning(RECEIVED_ON))
    devices = [(serial, "") for serial in TABLETS]
    stock.register_devices(lot, devices, by=keeper, now=setting.morning(RECEIVED_ON))


def _item(setting: Setting, keeper: User, name: str, price: Decimal, supplier: Supplier) -> Item:
    facts = ItemFacts(
        name, "unidad", Category.EQUIPMENT if price > 100 else Category.MATERIALS, price,
        reorder_level=REORDER_LEVELS.get(name, 0), supplier=supplier,
    )  # fmt: skip
    return catalogue.save_item(None, facts, by=keeper, now=setting.morning(OPENED_ON))


def _lot(setting: Setting, keeper: User, item: Item, supplier: Supplier, units: int) -> None:
    arrival = _arrival(setting, item, supplier, units)
    stock.receive(arrival, by=keeper, now=setting.morning(RECEIVED_ON))


def _arrival(setting: Setting, item: Item, supplier: Supplier, units: int) -> Arrival:
    return Arrival(item, supplier, units, item.reference_price_usd, "001-001-000000451", setting.day(RECEIVED_ON))
