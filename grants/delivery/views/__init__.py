"""Pages of deliveries: the office, the warehouse, the road, the cards and the receipts."""

from grants.delivery.views import asking, cards, checkins, desk, notices, office, photos, receipts, road, warehouse
from grants.delivery.views.blueprint import bp

__all__ = ["asking", "bp", "cards", "checkins", "desk", "notices", "office", "photos", "receipts", "road", "warehouse"]
