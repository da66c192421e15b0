"""What happens around a stop: who was told of it, that the team is well, and what the kit looked like."""

from datetime import datetime
from enum import StrEnum

from flask_babel import lazy_gettext as _
from sqlalchemy import CheckConstraint, ForeignKey, Index, LargeBinary, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from grants.access.models import User
from grants.core.crypto import SealedRow, sealed_optional_text
from grants.core.db import Model, state_column
from grants.core.outbox import OutboxMessage
from grants.delivery.models.deliveries import Delivery
from grants.delivery.models.runs import Run


class NoticeKind(StrEnum):
    """What the beneficiary learns, in this order. `rescheduled` follows when a stop they know of does not stand."""

    ZONE = "zone"
    PLACE = "place"
    RESCHEDULED = "rescheduled"


NOTICE_NAMES = {
    NoticeKind.ZONE: _("The day and the canton"),
    NoticeKind.PLACE: _("The place and the time"),
    NoticeKind.RESCHEDULED: _("It was rescheduled"),
}


class DeliveryNotice(Model):
    """One thing told to a beneficiary about one stop: by a message, or in person where none reaches them."""

    __tablename__ = "delivery_notice"
    __table_args__ = (
        # Two workers at once write one notice; the same stop is told of once.
        UniqueConstraint("delivery_id", "kind", "stop_key"),
        CheckConstraint("(told_at IS NULL) = (told_by_id IS NULL)", name="told"),
        Index("ix_delivery_notice_waiting", "message_id", "told_at"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    delivery_id: Mapped[int] = mapped_column(ForeignKey("delivery.id"))
    delivery: Mapped[Delivery] = relationship()
    kind: Mapped[NoticeKind] = mapped_column(state_column(NoticeKind))
    # A keyed hash of place and time: the same stop or another, and nothing else.
    stop_key: Mapped[bytes] = mapped_column(LargeBinary(32))
    made_at: Mapped[datetime]
    message_id: Mapped[int | None] = mapped_column(ForeignKey("outbox_message.id"))
    message: Mapped[OutboxMessage | None] = relationship()
    told_at: Mapped[datetime | None]
    told_by_id: Mapped[int | None] = mapped_column(ForeignKey("user.id"))


class CheckIn(Model):
    """Somebody of the team said that all goes on: one tap."""

    __tablename__ = "check_in"
    __table_args__ = (Index("ix_check_in_run_at", "run_id", "at"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    run_id: Mapped[int] = mapped_column(ForeignKey("run.id"))
    by_id: Mapped[int] = mapped_column(ForeignKey("user.id"))
    at: Mapped[datetime]


class MissedCheckIn(SealedRow, Model):
    """A check-in that did not come. The desk follows it up and closes it with a word."""

    __tablename__ = "missed_check_in"
    __table_args__ = (
        UniqueConstraint("run_id", "due_at"),
        CheckConstraint("level BETWEEN 1 AND 3", name="level"),
        CheckConstraint("(closed_at IS NULL) = (closed_by_id IS NULL)", name="closed"),
        Index("ix_missed_check_in_closed_at", "closed_at"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    run_id: Mapped[int] = mapped_column(ForeignKey("run.id"))
    run: Mapped[Run] = relationship()
    level: Mapped[int]
    due_at: Mapped[datetime]
    opened_at: Mapped[datetime]
    desk_told_at: Mapped[datetime | None]
    escalated_at: Mapped[datetime | None]  # the next person was told, as nobody had closed it
    closed_at: Mapped[datetime | None]
    closed_by_id: Mapped[int | None] = mapped_column(ForeignKey("user.id"))
    closed_by: Mapped[User | None] = relationship()
    word = sealed_optional_text()  # what the desk found out


class DeliveryPhoto(Model):
    """A picture of kit and seal, cleaned of everything that a camera adds. Kept as the attachments are."""

    __tablename__ = "delivery_photo"

    id: Mapped[int] = mapped_column(primary_key=True)
    delivery_id: Mapped[int] = mapped_column(ForeignKey("delivery.id"), index=True)
    delivery: Mapped[Delivery] = relationship()
    storage_name: Mapped[str] = mapped_column(String(64), unique=True)
    media_type: Mapped[str] = mapped_column(String(40))
    size_bytes: Mapped[int]
    sha256: Mapped[str] = mapped_column(String(64))
    taken_by_id: Mapped[int] = mapped_column(ForeignKey("user.id"))
    taken_at: Mapped[datetime]
