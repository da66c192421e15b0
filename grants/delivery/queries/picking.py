"""Which lots a picking list sends people to."""

from collections.abc import Iterable
from datetime import date

from sqlalchemy import select

from grants.core.db import db
from grants.delivery.models import StockLot
from grants.delivery.queries.goods import usable


class Shelf:
    """The lots of some articles, taken from in the order in which packing takes them: what goes bad first."""

    def __init__(self, item_ids: Iterable[int], today: date) -> None:
        order = (StockLot.best_before.is_(None), StockLot.best_before, StockLot.received_on, StockLot.id)
        found = select(StockLot).where(StockLot.item_id.in_(sorted(item_ids)), *usable(today)).order_by(*order)
        self._left: dict[int, list[tuple[StockLot, int]]] = {}
        for lot in db.session.scalars(found):
            self._left.setdefault(lot.item_id, []).append((lot, lot.on_hand))

    def take(self, item_id: int | None, units: int) -> str:
        """Invoice and day of the lots that so many units come from; empty for what is not on the shelf."""
        said, left = [], []
        for lot, on_hand in self._left.get(item_id or 0, []):
            taken = min(units, on_hand)
            units -= taken
            if taken:
                said.append(f"{lot.invoice} ({lot.received_on.day}/{lot.received_on.month}): {taken}")
            if on_hand > taken:
                left.append((lot, on_hand - taken))
        if item_id is not None:
            self._left[item_id] = left
        return ", ".join(said)
