"""Where an institution's core system hears that something concerns it, and what it was told."""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import CheckConstraint, ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column, relationship

from grants.access.models import User
from grants.core.crypto import SealedRow, sealed_optional_text, sealed_text
from grants.core.db import Model, state_column
from grants.core.outbox import OutboxMessage
from grants.credit.models.institutions import Institution


class WebhookEventKind(StrEnum):
    REFERRAL_SENT = "referral.sent"
    REFERRAL_WITHDRAWN = "referral.withdrawn"
    REFERRAL_ENDED = "referral.ended"  # it expired, or the person goes on elsewhere: the receiver learns no more
    REVERSAL_DECIDED = "reversal.decided"
    TEST = "test"


class WebhookProblem(StrEnum):
    """Why the last attempt did not succeed."""

    STATUS = "status"  # an answer, but not 2xx
    GONE = "gone"  # 410: the receiver wants no more
    SILENT = "silent"  # no connection, or no answer in time
    CERTIFICATE = "certificate"
    ADDRESS = "address"  # leads into a private network


class Webhook(SealedRow, Model):
    """One institution's address for events, with the secret under which they are signed."""

    __tablename__ = "webhook"
    __table_args__ = (
        CheckConstraint("(old_secret_sealed IS NULL) = (old_secret_until IS NULL)", name="old_secret_ends"),
        CheckConstraint("failures >= 0", name="failures"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    institution_id: Mapped[int] = mapped_column(ForeignKey("institution.id"), unique=True)
    institution: Mapped[Institution] = relationship()
    address = sealed_text()
    secret = sealed_text()
    old_secret = sealed_optional_text()
    old_secret_until: Mapped[datetime | None]
    failures: Mapped[int] = mapped_column(default=0)  # attempts without success in a row
    stopped_at: Mapped[datetime | None]
    registered_by_id: Mapped[int] = mapped_column(ForeignKey("user.id"))
    registered_by: Mapped[User] = relationship()
    registered_at: Mapped[datetime]
    secret_at: Mapped[datetime]

    @property
    def is_active(self) -> bool:
        return self.stopped_at is None

    def secrets_at(self, now: datetime) -> tuple[str, ...]:
        """Under which an event is signed now: the newest first, the one it replaced while it is still valid."""
        if self.old_secret and self.old_secret_until and now < self.old_secret_until:
            return self.secret, self.old_secret
        return (self.secret,)


class WebhookEvent(Model):
    """One thing that an institution was told. It names a folio and nothing about the person."""

    __tablename__ = "webhook_event"
    __table_args__ = (
        Index("ix_webhook_event_webhook", "webhook_id", "id"),
        CheckConstraint("(kind = 'test') = (folio IS NULL)", name="names_a_folio"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    event_id: Mapped[str] = mapped_column(String(40), unique=True)
    webhook_id: Mapped[int] = mapped_column(ForeignKey("webhook.id"))
    webhook: Mapped[Webhook] = relationship()
    kind: Mapped[WebhookEventKind] = mapped_column(state_column(WebhookEventKind))
    folio: Mapped[str | None] = mapped_column(String(12))
    occurred_at: Mapped[datetime]
    message_id: Mapped[int] = mapped_column(ForeignKey("outbox_message.id"), unique=True)
    message: Mapped[OutboxMessage] = relationship()
    last_status: Mapped[int | None]
    last_problem: Mapped[WebhookProblem | None] = mapped_column(state_column(WebhookProblem))
    last_tried_at: Mapped[datetime | None]
