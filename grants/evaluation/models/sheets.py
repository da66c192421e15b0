"""Score sheets and their scores."""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, Text, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from grants.access.models import User
from grants.applications.models import Application
from grants.calls.models import Criterion, Rubric, Stage
from grants.core.db import Model, state_column


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
    # What tells a page that it is out of date: how often the draft was saved, and from which window's how-manieth try.
    saves: Mapped[int] = mapped_column(default=0, server_default="0")
    saved_from: Mapped[str] = mapped_column(String(24), default="", server_default="")
    saved_turn: Mapped[int] = mapped_column(default=0, server_default="0")
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
