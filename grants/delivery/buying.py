"""What to buy for the approved awards: what their kits need, minus what the shelf holds, by supplier; as a workbook."""

import tempfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import IO

from flask_babel import gettext as _

from grants.delivery.models import Item, KitLine
from grants.delivery.models.goods import name_key
from grants.delivery.queries.goods import OnShelf, offered_items, shelf
from grants.delivery.queries.kits import awards_without_delivery, lines_to_pack
from grants.delivery.services.planning import kit_lines
from grants.selection.exports.book import Book, Heading


@dataclass(slots=True)
class Need:
    """An article that kits need. Without `item` it is bought for each person: the shelf holds none."""

    name: str
    item: Item | None
    free: int = 0
    needed: int = 0
    list_usd: Decimal = Decimal("0.00")  # what the kits' lists say that it costs

    @property
    def to_buy(self) -> int:
        return max(0, self.needed - self.free)

    @property
    def cost_usd(self) -> Decimal:
        """At the catalogue's price; at the lists' where there is none."""
        return self.list_usd if self.item is None else self.to_buy * self.item.reference_price_usd

    @property
    def supplier(self) -> str:
        return self.item.supplier.name if self.item is not None and self.item.supplier is not None else ""


@dataclass(frozen=True, slots=True)
class BuyingList:
    """Articles that lack, by supplier; and articles that run low whether a kit needs them or not."""

    needs: Sequence[Need]
    low: Sequence[OnShelf]

    @property
    def cost_usd(self) -> Decimal:
        return sum((need.cost_usd for need in self.needs), Decimal("0.00"))


def buying_list(today: date) -> BuyingList:
    """For deliveries that are not packed yet, and active awards whose delivery nobody has planned."""
    on_shelf = shelf(offered_items(), today)
    needs = _needs(lines_to_pack(), on_shelf)
    lacking = [need for need in needs if need.to_buy]
    lacking.sort(key=lambda need: (not need.supplier, need.supplier, name_key(need.name)))
    return BuyingList(lacking, [one for one in on_shelf if one.is_low])


def _needs(lines: Iterable[KitLine], on_shelf: Sequence[OnShelf]) -> list[Need]:
    free = {one.item.id: one.free for one in on_shelf}
    by_name = {one.item.key: one.item for one in on_shelf}
    found: dict[tuple[int, str], Need] = {}

    def add(line: KitLine, item: Item | None) -> None:
        key = (item.id, "") if item is not None else (0, name_key(line.name))
        name, held = (item.name, free.get(item.id, 0)) if item is not None else (line.name, 0)
        need = found.setdefault(key, Need(name, item, held))
        need.needed += line.quantity
        need.list_usd += line.total_usd

    for line in lines:
        add(line, line.item)
    for award in awards_without_delivery():
        for line in kit_lines(award):
            # Nobody has said yet which article this is: the same name is the best guess.
            add(line, by_name.get(name_key(line.name)))
    return list(found.values())


def workbook(found: BuyingList) -> IO[bytes]:
    """An open .xlsx file, deleted when closed. Nothing in it is a formula."""
    file = tempfile.TemporaryFile()  # noqa: SIM115 -- the answer reads it, then closes it
    with tempfile.TemporaryDirectory(prefix="semilla-") as folder:
        book = Book(file, folder)
        needs = book.table(_("What to buy"), _need_headings())
        for need in found.needs:
            price, unit = (need.item.reference_price_usd, need.item.unit) if need.item else (None, "")
            needs.add([need.supplier, need.name, unit, need.needed, need.free, need.to_buy, price, need.cost_usd])
        low = book.table(_("Low stock"), _low_headings())
        for one in found.low:
            supplier = one.item.supplier.name if one.item.supplier else ""
            low.add([supplier, one.item.name, one.item.unit, one.free, one.item.reorder_level])
        book.close()
    file.seek(0)
    return file


def _need_headings() -> list[Heading]:
    return [
        Heading(_("Supplier"), 28, ""), Heading(_("Article"), 40, ""), Heading(_("Unit"), 12, ""),
        Heading(_("Needed"), 10, ""), Heading(_("On the shelf"), 12, ""), Heading(_("To buy"), 10, ""),
        Heading(_("Unit price, USD"), 14, ""), Heading(_("Cost, USD"), 14, ""),
    ]  # fmt: skip


def _low_headings() -> list[Heading]:
    return [
        Heading(_("Supplier"), 28, ""), Heading(_("Article"), 40, ""), Heading(_("Unit"), 12, ""),
        Heading(_("On the shelf"), 12, ""), Heading(_("Reorder level"), 14, ""),
    ]  # fmt: skip
