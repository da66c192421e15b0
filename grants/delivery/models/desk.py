"""What the security desk works with in the web application: questions for the next stop, drills, the worker's beat.

Nothing here tells a call for help from a handover like any other.
"""

from datetime import date, datetime
from enum import StrEnum

from flask_babel import lazy_gettext as _
from sqlalchemy import CheckConstraint, ForeignKey, Index, LargeBinary, String, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from grants.access.models import User
from grants.core.crypto import SealedRow, sealed_json, sealed_text
from grants.core.db import Model, state_column
from grants.delivery.models.runs import Run


class StopAnswer(StrEnum):
    """What the desk says to an officer who asks. "Rescheduled" is also said at random, so it tells nothing."""

    GO = "go"
    RESCHEDULED = "rescheduled"


STOP_ANSWER_NAMES = {StopAnswer.GO: _("Go on"), StopAnswer.RESCHEDULED: _("Rescheduled")}


_STILL_OPEN = "answer IS NULL AND lapsed_at IS NULL"


class StopRequest(Model):
    """An officer asked for the next stop (§6). Answered at the earliest when `answerable_at` has come."""

    __tablename__ = "stop_request"
    __table_args__ = (
        CheckConstraint("(answer IS NULL) = (answered_at IS NULL)", name="answered_at"),
        CheckConstraint("(answer IS NULL) = (answered_by_id IS NULL)", name="answered_by"),
        CheckConstraint("answered_at IS NULL OR answered_at >= answerable_at", name="not_too_early"),
        CheckConstraint("answered_by_id IS NULL OR answered_by_id <> officer_id", name="answered_by_another"),
        Index("uq_stop_request_open", "officer_id", unique=True,
              sqlite_where=text(_STILL_OPEN), postgresql_where=text(_STILL_OPEN)),
        Index("ix_stop_request_officer_asked", "officer_id", "asked_at"),
    )  # fmt: skip

    id: Mapped[int] = mapped_column(primary_key=True)
    officer_id: Mapped[int] = mapped_column(ForeignKey("user.id"))
    officer: Mapped[User] = relationship(foreign_keys=[officer_id])
    run_id: Mapped[int | None] = mapped_column(ForeignKey("run.id"))
    run: Mapped[Run | None] = relationship()
    asked_at: Mapped[datetime]
    answerable_at: Mapped[datetime]
    answer: Mapped[StopAnswer | None] = mapped_column(state_column(StopAnswer))
    answered_at: Mapped[datetime | None]
    answered_by_id: Mapped[int | None] = mapped_column(ForeignKey("user.id"))
    lapsed_at: Mapped[datetime | None]  # another was asked on a later day before this one had an answer

    def can_be_answered(self, now: datetime) -> bool:
        return self.answer is None and self.lapsed_at is None and now >= self.answerable_at


class Drill(Model):
    """A month's exercise: officers drawn by lot practise a handover that no figure, stock or entitlement sees."""

    __tablename__ = "drill"

    id: Mapped[int] = mapped_column(primary_key=True)
    due_on: Mapped[date]  # until the end of this day
    planned_by_id: Mapped[int] = mapped_column(ForeignKey("user.id"))
    planned_at: Mapped[datetime] = mapped_column(index=True)

    deliveries: Mapped[list["DrillDelivery"]] = relationship(back_populates="drill", order_by="DrillDelivery.id")


class DrillDelivery(SealedRow, Model):
    """One officer's practice handover with its training card. It is in no other table of deliveries."""

    __tablename__ = "drill_delivery"
    __table_args__ = (UniqueConstraint("drill_id", "officer_id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    number: Mapped[str] = mapped_column(String(24), unique=True)
    drill_id: Mapped[int] = mapped_column(ForeignKey("drill.id"))
    drill: Mapped[Drill] = relationship(back_populates="deliveries")
    officer_id: Mapped[int] = mapped_column(ForeignKey("user.id"), index=True)
    officer: Mapped[User] = relationship()
    salt: Mapped[bytes] = mapped_column(LargeBinary(16))
    hash_memory_kib: Mapped[int]
    hash_time_cost: Mapped[int]
    code_hashes: Mapped[bytes] = mapped_column(LargeBinary(128))
    codes = sealed_json()  # shown to the officer who practises
    true_picture = sealed_text()
    done_at: Mapped[datetime | None]


class WorkerBeat(Model):
    """When a timed job last ran to its end."""

    __tablename__ = "worker_beat"

    name: Mapped[str] = mapped_column(String(40), primary_key=True)
    at: Mapped[datetime]
