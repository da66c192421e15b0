"""Pages of deliveries: the office, the warehouse, the road, what follows a handover, the cards and the receipts."""

from grants.delivery.views import (
    asking,
    cards,
    catalogue,
    desk,
    disputes,
    incidents,
    kits,
    levels,
    monitoring,
    office,
    outcomes,
    receipts,
    reconciliation,
    returns,
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
    "desk",
    "disputes",
    "incidents",
    "kits",
    "levels",
    "monitoring",
    "office",
    "outcomes",
    "receipts",
    "reconciliation",
    "returns",
    "road",
    "stock",
    "warehouse",
]
