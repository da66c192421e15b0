"""Pages of deliveries: the office, the warehouse, the road, the cards and the receipts."""

from grants.delivery.views import cards, manual, office, papers, printing, receipts, road, warehouse
from grants.delivery.views.blueprint import bp

__all__ = ["bp", "cards", "manual", "office", "papers", "printing", "receipts", "road", "warehouse"]
