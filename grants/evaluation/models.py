"""Who evaluates what, conflicts of interest, and score sheets."""

from datetime import date, datetime
from enum import StrEnum

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, Text, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from grants.access.models import User
from grants.applications.models import Application
from grants.calls.models import Criterion, Rubric, Stage
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


class SheetState(StrEnum):
    DRAFT = "draft"
    SUBMITTED = "submitted"
    SUPERSEDED = "superseded"  # an amendment took its place


class ScoreSheet(Model):
    """An evaluator's scores for one application and stage. Once submitted it stays: an amendment is a new version."""

    __tablename__ = "score_sheet"
    __table_args__ = (
        UniqueConstraint("application_id", "evaluator_id", "stage", "version"),
        Index("uq_score_sheet_official", "application_id", "evaluator_id", "stage", unique=True,
              sqlite_where=text("state = 'submitted'"), postgresql_where=text("state = 'submitted'")),
        CheckConstraint("(state = 'draft') = (submitted_at IS NULL)", name="submitted_at"),
        CheckConstraint("(version = 1) = (amendment_reason IS NULL)", name="amendment_has_reason"),
    )  # fmt: skip

    id: Mapped[int] = mapped_column(primary_key=True)
    application_id: Mapped[int] = mapped_column(ForeignKey("application.id"))
    application: Mapped[Application] = relationship()
    evaluator_id: Mapped[int] = mapped_column(ForeignKey("user.id"), index=True)
    evaluator: Mapped[User] = relationship()
    rubric_id: Mapped[int] = mapped_column(ForeignKey("rubric.id"))
    rubric: Mapped[Rubric] = relationship()
    stage: Mapped[Stage] = mapped_column(state_column(Stage))
    version: Mapped[int] = mapped_column(default=1)
    state: Mapped[SheetState] = mapped_column(state_column(SheetState), default=SheetState.DRAFT)
    amendment_reason: Mapped[str | None] = mapped_column(String(300))
    comment: Mapped[str] = mapped_column(Text, default="")
    saved_at: Mapped[datetime]
    submitted_at: Mapped[datetime | None]

    scores: Mapped[list["Score"]] = relationship(back_populates="sheet", cascade="all, delete-orphan")

    @property
    def is_draft(self) -> bool:
        return self.state is SheetState.DRAFT

    @property
    def levels(self) -> dict[int, int]:
        """Level by criterion id; criteria without a score are not in it."""
        return {score.criterion_id: score.level for score in self.scores if score.level is not None}


class Score(Model):
    """The level given for one criterion. A missing row is a missing score, never 0.

    In a draft `level` may be None: a comment is written, the score is still missing.
    """

    __tablename__ = "score"
    __table_args__ = (UniqueConstraint("sheet_id", "criterion_id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    sheet_id: Mapped[int] = mapped_column(ForeignKey("score_sheet.id"))
    sheet: Mapped[ScoreSheet] = relationship(back_populates="scores")
    criterion_id: Mapped[int] = mapped_column(ForeignKey("criterion.id"))
    criterion: Mapped[Criterion] = relationship()
    level: Mapped[int | None]
    comment: Mapped[str] = mapped_column(Text, default="")
