"""Pages of deliveries: the office, the warehouse and its goods, the road, the cards and the receipts."""

from grants.delivery.views import asking, cards, catalogue, desk, kits, levels, office, receipts, road, stock, warehouse
from grants.delivery.views.blueprint import bp

__all__ = [
    "asking",
    "bp",
    "cards",
    "catalogue",
    "desk",
    "kits",
    "levels",
    "office",
    "receipts",
    "road",
    "stock",
    "warehouse",
]
