"""Pictures of kit and seal."""

from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.orm import joinedload

from grants.core.db import db, one_or_refuse, plausible
from grants.delivery.models import Delivery, DeliveryPhoto


def photos_of(delivery: Delivery) -> Sequence[DeliveryPhoto]:
    """The delivery's pictures in the order of their taking."""
    found = select(DeliveryPhoto).where(DeliveryPhoto.delivery_id == delivery.id)
    return db.session.scalars(found.order_by(DeliveryPhoto.id)).all()


def get_photo(delivery_id: int, photo_id: int) -> DeliveryPhoto:
    """A picture of this delivery; NotFound otherwise."""
    found = select(DeliveryPhoto).options(joinedload(DeliveryPhoto.delivery))
    own = (DeliveryPhoto.id == plausible(photo_id)) & (DeliveryPhoto.delivery_id == plausible(delivery_id))
    return one_or_refuse(found.where(own))
