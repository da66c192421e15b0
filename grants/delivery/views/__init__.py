"""Pages of deliveries: the office, the warehouse, the road, the cards and the receipts."""

from grants.delivery.views import cards, clearance, office, planning, receipts, road, runs, teams, warehouse
from grants.delivery.views.blueprint import bp

__all__ = ["bp", "cards", "clearance", "office", "planning", "receipts", "road", "runs", "teams", "warehouse"]
