"""Pages of deliveries: the office, the warehouse and its goods, the road, the cards and the receipts."""

from grants.delivery.views import (
    asking,
    cards,
    catalogue,
    checkins,
    desk,
    kits,
    levels,
    notices,
    office,
    photos,
    receipts,
    road,
    stock,
    warehouse,
)
from grants.delivery.views.blueprint import bp

__all__ = [
    "asking",
    "bp",
    "cards",
    "catalogue",
    "checkins",
    "desk",
    "kits",
    "levels",
    "notices",
    "office",
    "photos",
    "receipts",
    "road",
    "stock",
    "warehouse",
]
