"""Moderation: sheets that lie far apart are looked at again, and the panel decides once."""

from datetime import datetime
from enum import StrEnum

from flask_babel import lazy_gettext as _
from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from grants.access.models import User
from grants.applications.models import Application
from grants.calls.models import Stage
from grants.core.crypto import SealedRow, sealed_optional_text
from grants.core.db import Model, state_column
from grants.evaluation.models.sheets import ScoreSheet


class Outcome(StrEnum):
    """What the panel decided."""

    STANDS = "stands"
    AMENDED = "amended"
    THIRD_REVIEW = "third_review"


OUTCOME_NAMES = {
    Outcome.STANDS: _("The sheets stand as they are"),
    Outcome.AMENDED: _("The sheets count as amended"),
    Outcome.THIRD_REVIEW: _("One more evaluator reads it"),
}


class Answer(StrEnum):
    """What an evaluator said about their own sheet."""

    CONFIRMED = "confirmed"
    AMENDED = "amended"  # an amendment was begun; it counts once it is submitted


class Moderation(SealedRow, Model):
    """One look at the sheets of an application and stage. Open until the panel's decision is entered."""

    __tablename__ = "moderation"
    __table_args__ = (
        Index("uq_moderation_open", "application_id", "stage", unique=True,
              sqlite_where=text("decided_at IS NULL"), postgresql_where=text("decided_at IS NULL")),
        CheckConstraint("(decided_at IS NULL) = (outcome IS NULL)", name="decided_has_outcome"),
        CheckConstraint("(decided_at IS NULL) = (decided_by_id IS NULL)", name="decided_by"),
        CheckConstraint("(decided_at IS NULL) = (decision_sealed IS NULL)", name="decided_has_decision"),
    )  # fmt: skip

    id: Mapped[int] = mapped_column(primary_key=True)
    application_id: Mapped[int] = mapped_column(ForeignKey("application.id"), index=True)
    application: Mapped[Application] = relationship()
    stage: Mapped[Stage] = mapped_column(state_column(Stage))
    opened_by_id: Mapped[int] = mapped_column(ForeignKey("user.id"))
    opened_by: Mapped[User] = relationship(foreign_keys=[opened_by_id])
    opened_at: Mapped[datetime]
    outcome: Mapped[Outcome | None] = mapped_column(state_column(Outcome, "moderation_outcome"))
    decision = sealed_optional_text()
    decided_by_id: Mapped[int | None] = mapped_column(ForeignKey("user.id"))
    decided_by: Mapped[User | None] = relationship(foreign_keys=[decided_by_id])
    decided_at: Mapped[datetime | None]

    replies: Mapped[list["ModerationReply"]] = relationship(
        back_populates="moderation", order_by="ModerationReply.id", cascade="all, delete-orphan"
    )

    @property
    def is_open(self) -> bool:
        return self.decided_at is None

    @property
    def unanswered(self) -> int:
        """How many evaluators have not answered."""
        return sum(reply.answer is None for reply in self.replies)


class ModerationReply(SealedRow, Model):
    """What one evaluator is asked about the sheet they had when the moderation was opened, and their answer."""

    __tablename__ = "moderation_reply"
    __table_args__ = (
        UniqueConstraint("moderation_id", "evaluator_id"),
        CheckConstraint("(answer IS NULL) = (replied_at IS NULL)", name="replied_at"),
        CheckConstraint("(answer IS NULL) = (reason_sealed IS NULL)", name="answer_has_reason"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    moderation_id: Mapped[int] = mapped_column(ForeignKey("moderation.id"))
    moderation: Mapped[Moderation] = relationship(back_populates="replies")
    evaluator_id: Mapped[int] = mapped_column(ForeignKey("user.id"), index=True)
    evaluator: Mapped[User] = relationship()
    sheet_id: Mapped[int] = mapped_column(ForeignKey("score_sheet.id"))
    sheet: Mapped[ScoreSheet] = relationship()
    answer: Mapped[Answer | None] = mapped_column(state_column(Answer))
    reason = sealed_optional_text()
    replied_at: Mapped[datetime | None]
