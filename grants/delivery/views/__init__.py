"""Pages of deliveries: the office, the warehouse, the road, what follows a handover, the cards and the receipts."""

from grants.delivery.views import (
    cards,
    disputes,
    incidents,
    monitoring,
    office,
    outcomes,
    receipts,
    reconciliation,
    returns,
    road,
    warehouse,
)
from grants.delivery.views.blueprint import bp

__all__ = [
    "bp",
    "cards",
    "disputes",
    "incidents",
    "monitoring",
    "office",
    "outcomes",
    "receipts",
    "reconciliation",
    "returns",
    "road",
    "warehouse",
]
