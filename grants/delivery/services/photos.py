"""A picture of kit and seal, where the level lets one be taken (§2): never of a person, never at the highest level."""

from datetime import datetime

from flask_babel import lazy_gettext as _
from sqlalchemy import func, select

from grants.access.models import User
from grants.applications.attachments import CleanFile
from grants.core import journal
from grants.core.db import db, hold_row
from grants.core.errors import RuleBroken
from grants.delivery import queries
from grants.delivery.levels import HIGHEST
from grants.delivery.models import Delivery, DeliveryPhoto, DeliveryState
from grants.delivery.queries.told import as_handed_over

MOST_PHOTOS = 3
TAKEN_IN = (DeliveryState.AT_POINT, DeliveryState.CONFIRMED, DeliveryState.PARTIAL)


def refuse_photo(delivery: Delivery, *, by: User) -> None:
    """Whether a picture may be added at all; asked before anything is read or stored."""
    if delivery.officer_id != by.id:
        raise RuleBroken(_("Another officer carries this delivery. Yours are under “My deliveries”."))
    if not queries.rules(delivery.level or HIGHEST).photo:
        raise RuleBroken(_("No photo is taken at this level of risk. Put the camera away."))
    if as_handed_over(delivery.state) not in TAKEN_IN:
        raise RuleBroken(_("A photo of kit and seal is taken at the point."))
    taken = select(func.count()).select_from(DeliveryPhoto).where(DeliveryPhoto.delivery_id == delivery.id)
    if (db.session.scalar(taken) or 0) >= MOST_PHOTOS:
        raise RuleBroken(_("There are %(most)d photos already: that is enough.", most=MOST_PHOTOS))


def add_photo(delivery: Delivery, file: CleanFile, *, name: str, by: User, now: datetime) -> DeliveryPhoto:
    """Keep a cleaned picture that is stored under this name."""
    hold_row(Delivery.approvals, delivery.id)  # whoever waited counts what the other added
    refuse_photo(delivery, by=by)
    photo = DeliveryPhoto(
        delivery_id=delivery.id, storage_name=name, media_type=file.media_type, size_bytes=len(file.content),
        sha256=file.sha256, taken_by_id=by.id, taken_at=now,
    )  # fmt: skip
    db.session.add(photo)
    db.session.flush()
    journal.record(by, "photo.added", photo, at=now, delivery_id=delivery.id)
    return photo


def note_photo_opened(photo: DeliveryPhoto, *, by: User, now: datetime) -> None:
    """Somebody of the office looked at it."""
    journal.record(by, "photo.seen", photo, at=now, delivery_id=photo.delivery_id)
