"""Appeals: filed once per application, heard by two or three who had no part in the outcome, decided once."""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from grants.access.models import User
from grants.applications.models import Application
from grants.core.crypto import SealedRow, sealed_optional_text, sealed_text
from grants.core.db import Model, state_column
from grants.selection.models.awards import Award
from grants.selection.models.runs import Selection

PANEL_LEAST, PANEL_MOST = 2, 3


class AppealOutcome(StrEnum):
    UPHELD = "upheld"
    PARTLY = "partly"
    REJECTED = "rejected"


class Appeal(SealedRow, Model):
    """One applicant's appeal against a run. One of the panel proposes a decision, another confirms it."""

    __tablename__ = "appeal"
    __table_args__ = (
        UniqueConstraint("selection_id", "application_id"),
        CheckConstraint("(decided_at IS NULL) = (decided_by_id IS NULL)", name="decided_by_somebody"),
        CheckConstraint("decided_at IS NULL OR outcome IS NOT NULL", name="decided_has_outcome"),
        CheckConstraint("(outcome IS NULL) = (proposed_by_id IS NULL)", name="proposed_by_somebody"),
        CheckConstraint("decided_by_id IS NULL OR decided_by_id <> proposed_by_id", name="two_people_decide"),
        CheckConstraint("award_id IS NULL OR outcome = 'upheld'", name="place_when_upheld"),
        Index("ix_appeal_decided_decide_by", "decided_at", "decide_by"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    folio: Mapped[str] = mapped_column(String(12), unique=True)
    selection_id: Mapped[int] = mapped_column(ForeignKey("selection.id"))
    selection: Mapped[Selection] = relationship()
    application_id: Mapped[int] = mapped_column(ForeignKey("application.id"), index=True)
    application: Mapped[Application] = relationship()
    text = sealed_text()
    filed_by_id: Mapped[int | None] = mapped_column(ForeignKey("user.id"))  # who wrote it down; none: the person
    filed_by: Mapped[User | None] = relationship(foreign_keys=[filed_by_id])
    filed_at: Mapped[datetime]
    is_late: Mapped[bool]
    decide_by: Mapped[datetime]
    outcome: Mapped[AppealOutcome | None] = mapped_column(state_column(AppealOutcome))
    answer = sealed_optional_text()  # the reason, in plain words for the applicant
    proposal: Mapped[int] = mapped_column(default=0)  # grows: only the one that was read is confirmed
    proposed_by_id: Mapped[int | None] = mapped_column(ForeignKey("user.id"))
    proposed_by: Mapped[User | None] = relationship(foreign_keys=[proposed_by_id])
    decided_by_id: Mapped[int | None] = mapped_column(ForeignKey("user.id"))
    decided_by: Mapped[User | None] = relationship(foreign_keys=[decided_by_id])
    decided_at: Mapped[datetime | None]
    award_id: Mapped[int | None] = mapped_column(ForeignKey("award.id"), unique=True)  # the place it was given
    award: Mapped[Award | None] = relationship()

    panel: Mapped[list["AppealPanelist"]] = relationship(back_populates="appeal", order_by="AppealPanelist.id")

    @property
    def is_decided(self) -> bool:
        return self.decided_at is not None

    def is_overdue(self, now: datetime) -> bool:
        """Whether its decision should have been there; the last second is still in time."""
        return not self.is_decided and now.replace(microsecond=0) > self.decide_by

    @property
    def has_panel(self) -> bool:
        return len(self.panel) >= PANEL_LEAST

    def is_heard_by(self, user: User) -> bool:
        return any(one.user_id == user.id for one in self.panel)

    def can_be_confirmed_by(self, user: User) -> bool:
        proposed = self.outcome is not None and not self.is_decided
        return proposed and self.is_heard_by(user) and self.proposed_by_id != user.id


class AppealPanelist(Model):
    """Somebody who hears an appeal."""

    __tablename__ = "appeal_panelist"
    __table_args__ = (UniqueConstraint("appeal_id", "user_id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    appeal_id: Mapped[int] = mapped_column(ForeignKey("appeal.id"))
    appeal: Mapped[Appeal] = relationship(back_populates="panel")
    user_id: Mapped[int] = mapped_column(ForeignKey("user.id"), index=True)
    user: Mapped[User] = relationship(foreign_keys=[user_id])
    named_by_id: Mapped[int] = mapped_column(ForeignKey("user.id"))
    named_at: Mapped[datetime]
