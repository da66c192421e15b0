"""Letters: how each applicant learns the outcome, and the one-time codes that open their evaluation."""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import CheckConstraint, ForeignKey, Index, LargeBinary, String, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from grants.access.models import User
from grants.applications.models import Application
from grants.core.crypto import SealedRow, sealed_text
from grants.core.db import Model, state_column
from grants.core.outbox import OutboxMessage
from grants.selection.models.runs import Selection


class LetterRelease(Model):
    """The letters of a published run were released, all together and once; from then on the clock of appeals runs."""

    __tablename__ = "letter_release"
    __table_args__ = (
        CheckConstraint("appeal_days BETWEEN 1 AND 60", name="appeal_days"),
        CheckConstraint("decision_days BETWEEN 1 AND 60", name="decision_days"),
        CheckConstraint("appeals_until > released_at", name="clock"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    selection_id: Mapped[int] = mapped_column(ForeignKey("selection.id"), unique=True)
    selection: Mapped[Selection] = relationship()
    appeal_days: Mapped[int]
    appeals_until: Mapped[datetime]  # its last second, at the end of a day where the programme works
    decision_days: Mapped[int]  # within which an appeal is decided
    address: Mapped[str] = mapped_column(String(200))  # the page that folio and code open, as the notices name it
    released_by_id: Mapped[int] = mapped_column(ForeignKey("user.id"))
    released_by: Mapped[User] = relationship()
    released_at: Mapped[datetime]

    def is_late(self, now: datetime) -> bool:
        """Whether an appeal at this moment misses the deadline; its last second is still in time."""
        return now.replace(microsecond=0) > self.appeals_until


class LetterKind(StrEnum):
    CHOSEN = "chosen"
    WAITING = "waiting"
    NOT_SELECTED = "not_selected"  # not ranked, or put out by decision
    CLOSED = "closed"  # withdrawn, or the award has ended


class Channel(StrEnum):
    MAIL = "mail"  # a notice through the outbox
    IN_PERSON = "in_person"


class Letter(SealedRow, Model):
    """What one applicant is told. The text is read behind folio and code; what travels says only that it is ready."""

    __tablename__ = "letter"
    __table_args__ = (
        UniqueConstraint("application_id", "kind"),  # nobody is told the same thing twice
        CheckConstraint("(told_at IS NULL) = (told_by_id IS NULL)", name="told_by_somebody"),
        Index("ix_letter_release_channel_told", "release_id", "channel", "told_at"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    release_id: Mapped[int] = mapped_column(ForeignKey("letter_release.id"))
    release: Mapped[LetterRelease] = relationship()
    application_id: Mapped[int] = mapped_column(ForeignKey("application.id"))
    application: Mapped[Application] = relationship()
    kind: Mapped[LetterKind] = mapped_column(state_column(LetterKind))
    channel: Mapped[Channel] = mapped_column(state_column(Channel))
    language: Mapped[str] = mapped_column(String(3))
    body = sealed_text()  # as released: paragraphs, with an empty line between them
    created_at: Mapped[datetime]
    # By whom the person was told face to face; the outbox keeps when a notice went out.
    told_at: Mapped[datetime | None]
    told_by_id: Mapped[int | None] = mapped_column(ForeignKey("user.id"))
    told_by: Mapped[User | None] = relationship()
    message_id: Mapped[int | None] = mapped_column(ForeignKey("outbox_message.id"), unique=True)
    message: Mapped[OutboxMessage | None] = relationship()

    @property
    def paragraphs(self) -> list[str]:
        return self.body.split("\n\n")


class ResultCode(Model):
    """A one-time code for one application's evaluation. A new one ends the one before."""

    __tablename__ = "result_code"
    __table_args__ = (
        Index("uq_result_code_live", "application_id", unique=True,
              sqlite_where=text("ended_at IS NULL"), postgresql_where=text("ended_at IS NULL")),
        CheckConstraint("used_at IS NULL OR ended_at IS NOT NULL", name="used_has_ended"),
    )  # fmt: skip

    id: Mapped[int] = mapped_column(primary_key=True)
    application_id: Mapped[int] = mapped_column(ForeignKey("application.id"), index=True)
    application: Mapped[Application] = relationship()
    code_hash: Mapped[bytes] = mapped_column(LargeBinary(32))
    channel: Mapped[Channel] = mapped_column(state_column(Channel))
    issued_by_id: Mapped[int] = mapped_column(ForeignKey("user.id"))
    issued_by: Mapped[User] = relationship()
    issued_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    used_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]  # used, or replaced by a newer one


class ResultSession(Model):
    """A quarter of an hour in which a browser may read one application's evaluation."""

    __tablename__ = "result_session"

    id: Mapped[int] = mapped_column(primary_key=True)
    token_hash: Mapped[str] = mapped_column(String(64), unique=True)
    application_id: Mapped[int] = mapped_column(ForeignKey("application.id"))
    application: Mapped[Application] = relationship()
    opened_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
