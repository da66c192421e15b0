"""What was put into the outbox to remind somebody of: each thing once."""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import ForeignKey, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from grants.core.db import Model, state_column


class ReminderKind(StrEnum):
    WEEK = "week"  # to a liaison: who waits, what is owed
    EXPIRY = "expiry"  # to a liaison: referrals that expire soon
    STUCK = "stuck"  # to a coordinator: what does not move


class CreditReminder(Model):
    """A reminder that was made. `about`: the week, or the last day to answer: never twice for the same."""

    __tablename__ = "credit_reminder"
    __table_args__ = (UniqueConstraint("user_id", "kind", "about"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("user.id"))
    kind: Mapped[ReminderKind] = mapped_column(state_column(ReminderKind))
    about: Mapped[str] = mapped_column(String(20))
    made_at: Mapped[datetime]
