"""Pages of deliveries: the office, the warehouse, the road, the cards and the receipts."""

from grants.delivery.views import cards, clearing, office, protocol, receipts, risk, road, warehouse
from grants.delivery.views.blueprint import bp

__all__ = ["bp", "cards", "clearing", "office", "protocol", "receipts", "risk", "road", "warehouse"]
