"""Visits after a delivery: who was drawn, who is due, what was tried and what was answered (sealed)."""

from datetime import date, datetime
from enum import StrEnum

from flask_babel import lazy_gettext as _
from sqlalchemy import CheckConstraint, ForeignKey, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from grants.access.models import User
from grants.calls.models import Call
from grants.core.crypto import SealedRow, sealed_json
from grants.core.db import Model, state_column
from grants.delivery.models.deliveries import Delivery


class MonitoringDraw(Model):
    """A sample among deliveries of a call. The seed is made at the draw and then published, so that nobody knows
    beforehand who is visited and anybody can check afterwards."""

    __tablename__ = "monitoring_draw"
    __table_args__ = (
        CheckConstraint("share_percent BETWEEN 1 AND 100", name="share"),
        CheckConstraint("drawn BETWEEN 1 AND population", name="drawn"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    call_id: Mapped[int] = mapped_column(ForeignKey("call.id"), index=True)
    call: Mapped[Call] = relationship()
    seed: Mapped[str] = mapped_column(String(32))
    share_percent: Mapped[int]
    population: Mapped[int]
    drawn: Mapped[int]
    made_by_id: Mapped[int] = mapped_column(ForeignKey("user.id"))
    made_at: Mapped[datetime]


class DrawEntry(Model):
    """A delivery that took part in a draw, chosen or not. Once only."""

    __tablename__ = "draw_entry"

    id: Mapped[int] = mapped_column(primary_key=True)
    draw_id: Mapped[int] = mapped_column(ForeignKey("monitoring_draw.id"), index=True)
    draw: Mapped[MonitoringDraw] = relationship()
    delivery_id: Mapped[int] = mapped_column(ForeignKey("delivery.id"), unique=True)
    is_drawn: Mapped[bool]


class VisitState(StrEnum):
    DUE = "due"
    ANSWERED = "answered"
    NO_CONSENT = "no_consent"
    NOT_REACHED = "not_reached"


VISIT_NAMES = {
    VisitState.DUE: _("To be visited"),
    VisitState.ANSWERED: _("Answered"),
    VisitState.NO_CONSENT: _("Did not want to answer"),
    VisitState.NOT_REACHED: _("Not reached"),
}


class Visit(SealedRow, Model):
    """One interview with one person about their delivery. Round 2 is the second one of the highest level; a dispute
    that was decided adds a round."""

    __tablename__ = "visit"
    __table_args__ = (
        UniqueConstraint("delivery_id", "round"),
        CheckConstraint("round >= 1", name="round"),
        CheckConstraint("due_until >= due_from", name="window"),
        CheckConstraint("(state = 'due') = (ended_at IS NULL)", name="ended"),
        CheckConstraint("state <> 'answered' OR (answers_sealed IS NOT NULL AND version IS NOT NULL)", name="answers"),
        Index("ix_visit_state_due", "state", "due_until", "id"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    delivery_id: Mapped[int] = mapped_column(ForeignKey("delivery.id"))
    delivery: Mapped[Delivery] = relationship()
    round: Mapped[int]
    due_from: Mapped[date]
    due_until: Mapped[date]
    state: Mapped[VisitState] = mapped_column(state_column(VisitState), default=VisitState.DUE)
    tries: Mapped[int] = mapped_column(default=0)
    version: Mapped[int | None]  # of the questionnaire; None: the one that is in force on the day
    answers = sealed_json()
    interviewer_id: Mapped[int | None] = mapped_column(ForeignKey("user.id"))
    interviewer: Mapped[User | None] = relationship()
    planned_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]

    attempts: Mapped[list["VisitAttempt"]] = relationship(back_populates="visit", order_by="VisitAttempt.id")

    @property
    def is_due(self) -> bool:
        return self.state is VisitState.DUE

    def is_overdue(self, today: date) -> bool:
        return self.is_due and self.due_until < today


class AttemptReason(StrEnum):
    NO_ANSWER = "no_answer"
    NUMBER_DEAD = "number_dead"
    NOT_AT_HOME = "not_at_home"
    MOVED = "moved"
    LATER = "later"
    NOT_SAFE = "not_safe"


ATTEMPT_NAMES = {
    AttemptReason.NO_ANSWER: _("Nobody answered"),
    AttemptReason.NUMBER_DEAD: _("The number does not work"),
    AttemptReason.NOT_AT_HOME: _("Was not there"),
    AttemptReason.MOVED: _("Moved away"),
    AttemptReason.LATER: _("Asked for another moment"),
    AttemptReason.NOT_SAFE: _("It was not safe to talk"),
}


class VisitAttempt(Model):
    """A try that reached nobody, with its coded reason."""

    __tablename__ = "visit_attempt"

    id: Mapped[int] = mapped_column(primary_key=True)
    visit_id: Mapped[int] = mapped_column(ForeignKey("visit.id"), index=True)
    visit: Mapped[Visit] = relationship(back_populates="attempts")
    reason: Mapped[AttemptReason] = mapped_column(state_column(AttemptReason))
    at: Mapped[datetime]
    by_id: Mapped[int] = mapped_column(ForeignKey("user.id"))
    by: Mapped[User] = relationship()
