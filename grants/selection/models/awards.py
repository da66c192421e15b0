"""Awards and the waiting list."""

from datetime import datetime
from decimal import Decimal
from enum import StrEnum

from sqlalchemy import CheckConstraint, ForeignKey, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from grants.applications.models import Application
from grants.core.db import Model, Usd, state_column
from grants.selection.models.runs import Selection


class AwardState(StrEnum):
    ACTIVE = "active"
    DECLINED = "declined"
    WITHDRAWN = "withdrawn"


class CalledBecause(StrEnum):
    """Why this one of the waiting list was called. The page makes a sentence of it."""

    NEXT = "next"  # first on the waiting list
    QUOTA_KEPT = "quota_kept"  # somebody ahead would have broken a quota
    APPEAL = "appeal"  # a free place after an appeal that was upheld


class Award(Model):
    """What a selected application receives, in kind."""

    __tablename__ = "award"
    __table_args__ = (
        CheckConstraint("(state = 'active') = (ended_at IS NULL)", name="ended_at"),
        CheckConstraint("value_usd > 0", name="value"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    selection_id: Mapped[int] = mapped_column(ForeignKey("selection.id"), index=True)
    selection: Mapped[Selection] = relationship()
    application_id: Mapped[int] = mapped_column(ForeignKey("application.id"), unique=True)
    application: Mapped[Application] = relationship()
    state: Mapped[AwardState] = mapped_column(state_column(AwardState), default=AwardState.ACTIVE)
    value_usd: Mapped[Decimal] = mapped_column(Usd)
    awarded_at: Mapped[datetime]
    # The award whose place this one took, when it came from the waiting list.
    replaces_id: Mapped[int | None] = mapped_column(ForeignKey("award.id"), unique=True)
    replaces: Mapped["Award | None"] = relationship(remote_side=[id])
    called_because: Mapped[str | None] = mapped_column(String(40))  # a CalledBecause, when it came later
    ended_at: Mapped[datetime | None]
    end_reason: Mapped[str | None] = mapped_column(String(300))

    @property
    def is_active(self) -> bool:
        return self.state is AwardState.ACTIVE


class WaitingListEntry(Model):
    """The order in which others move up. Frozen at publication."""

    __tablename__ = "waiting_list_entry"
    __table_args__ = (
        UniqueConstraint("selection_id", "position"),
        UniqueConstraint("selection_id", "application_id"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    selection_id: Mapped[int] = mapped_column(ForeignKey("selection.id"))
    selection: Mapped[Selection] = relationship()
    application_id: Mapped[int] = mapped_column(ForeignKey("application.id"))
    application: Mapped[Application] = relationship()
    position: Mapped[int]
    award_id: Mapped[int | None] = mapped_column(ForeignKey("award.id"), unique=True)  # once promoted
    award: Mapped[Award | None] = relationship()
    skipped_reason: Mapped[str | None] = mapped_column(String(300))  # e.g. withdrew before it was their turn
