"""Who evaluates what, and conflicts of interest."""

from datetime import date, datetime

from sqlalchemy import ForeignKey, UniqueConstraint, false
from sqlalchemy.orm import Mapped, mapped_column, relationship

from grants.access.models import User
from grants.applications.models import Application
from grants.calls.models import Stage
from grants.core.crypto import SealedRow, sealed_text
from grants.core.db import Model, state_column


class Assignment(Model):
    """An evaluator's task: one application, one stage. A recusal ends it; the row stays."""

    __tablename__ = "assignment"
    __table_args__ = (UniqueConstraint("application_id", "evaluator_id", "stage"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    application_id: Mapped[int] = mapped_column(ForeignKey("application.id"))
    application: Mapped[Application] = relationship()
    evaluator_id: Mapped[int] = mapped_column(ForeignKey("user.id"), index=True)
    evaluator: Mapped[User] = relationship(foreign_keys=[evaluator_id])
    stage: Mapped[Stage] = mapped_column(state_column(Stage))
    due_on: Mapped[date | None]
    assigned_by_id: Mapped[int] = mapped_column(ForeignKey("user.id"))
    assigned_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]  # recused or taken away
    # Given with the calibration set, not as one of the application's reviews. Its sheet counts if the set does.
    is_calibration: Mapped[bool] = mapped_column(default=False, server_default=false())

    @property
    def is_open(self) -> bool:
        return self.ended_at is None


class ConflictOfInterest(SealedRow, Model):
    """An evaluator's declaration about an application. From then on they cannot read it, in any door."""

    __tablename__ = "conflict_of_interest"
    __table_args__ = (UniqueConstraint("application_id", "evaluator_id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    application_id: Mapped[int] = mapped_column(ForeignKey("application.id"))
    application: Mapped[Application] = relationship()
    evaluator_id: Mapped[int] = mapped_column(ForeignKey("user.id"), index=True)
    evaluator: Mapped[User] = relationship()
    reason = sealed_text()  # the chair sees that there is a conflict, not why
    declared_at: Mapped[datetime]
