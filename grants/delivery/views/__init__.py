"""Pages of deliveries: the office, the warehouse and its goods, the road, the cards and the receipts."""

from grants.delivery.views import cards, catalogue, kits, levels, office, receipts, road, stock, warehouse
from grants.delivery.views.blueprint import bp

__all__ = [
    "bp",
    "cards",
    "catalogue",
    "kits",
    "levels",
    "office",
    "receipts",
    "road",
    "stock",
    "warehouse",
]
