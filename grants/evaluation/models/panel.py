"""Who sits on a call's panel, what each evaluator declared before reading, and why a task changed hands."""

from datetime import datetime
from enum import StrEnum

from flask_babel import lazy_gettext as _
from sqlalchemy import CheckConstraint, ForeignKey, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from grants.access.models import User
from grants.applications.models import Application
from grants.calls.models import Call
from grants.core.crypto import SealedRow, sealed_text
from grants.core.db import Model, state_column
from grants.evaluation.models.assigning import Assignment
from grants.people.models import Canton


class Panelist(Model):
    """An evaluator of a call. A call without any is read by all active evaluators, with open loads.

    `panel` names the group they were drawn from; empty while the call has one group only.
    """

    __tablename__ = "panelist"
    __table_args__ = (
        UniqueConstraint("call_id", "evaluator_id"),
        CheckConstraint("load_min >= 0", name="load_min"),
        CheckConstraint("load_max IS NULL OR load_max >= load_min", name="load_max"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    call_id: Mapped[int] = mapped_column(ForeignKey("call.id"))
    call: Mapped[Call] = relationship()
    evaluator_id: Mapped[int] = mapped_column(ForeignKey("user.id"), index=True)
    evaluator: Mapped[User] = relationship()
    panel: Mapped[str] = mapped_column(String(40), default="")
    languages: Mapped[str] = mapped_column(String(40), default="")  # ISO 639 codes with blanks between; empty: any
    canton_code: Mapped[str | None] = mapped_column(ForeignKey("canton.code"))  # where they live
    canton: Mapped[Canton | None] = relationship()
    organisation: Mapped[str] = mapped_column(String(120), default="")
    load_min: Mapped[int] = mapped_column(default=0)  # sheets per stage
    load_max: Mapped[int | None]  # None: open
    since: Mapped[datetime]
    stopped_at: Mapped[datetime | None]

    @property
    def province_code(self) -> str | None:
        return self.canton_code[:2] if self.canton_code else None

    @property
    def spoken(self) -> frozenset[str]:
        """Language codes they read; none when they read any."""
        return frozenset(self.languages.split())


class ConflictAnswer(Model):
    """An evaluator's answer "I have no conflict" about an application. Reading opens with it."""

    __tablename__ = "conflict_answer"
    __table_args__ = (UniqueConstraint("application_id", "evaluator_id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    application_id: Mapped[int] = mapped_column(ForeignKey("application.id"))
    application: Mapped[Application] = relationship()
    evaluator_id: Mapped[int] = mapped_column(ForeignKey("user.id"), index=True)
    evaluator: Mapped[User] = relationship()
    answered_at: Mapped[datetime]


class CallConflict(SealedRow, Model):
    """An evaluator's declaration that they cannot judge anything in a call. It counts for every application of it."""

    __tablename__ = "call_conflict"
    __table_args__ = (UniqueConstraint("call_id", "evaluator_id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    call_id: Mapped[int] = mapped_column(ForeignKey("call.id"))
    call: Mapped[Call] = relationship()
    evaluator_id: Mapped[int] = mapped_column(ForeignKey("user.id"), index=True)
    evaluator: Mapped[User] = relationship()
    reason = sealed_text()  # the chair sees that there is a conflict, not why
    declared_at: Mapped[datetime]


class ChangeReason(StrEnum):
    ABSENCE = "absence"
    WORKLOAD = "workload"
    EXPERTISE = "expertise"
    EXTRA_REVIEW = "extra_review"
    MISTAKE = "mistake"
    STOPPED = "stopped"
    RECUSAL = "recusal"
    OTHER = "other"


CHANGE_REASON_NAMES = {
    ChangeReason.ABSENCE: _("Illness or absence"),
    ChangeReason.WORKLOAD: _("Too many or too few sheets"),
    ChangeReason.EXPERTISE: _("Knows the sector better"),
    ChangeReason.EXTRA_REVIEW: _("One more review is needed"),
    ChangeReason.MISTAKE: _("Assigned by mistake"),
    ChangeReason.STOPPED: _("The evaluator stops"),
    ChangeReason.RECUSAL: _("Conflict of interest"),
    ChangeReason.OTHER: _("Another reason"),
}
CHOSEN_BY_HAND = tuple(r for r in ChangeReason if r not in (ChangeReason.STOPPED, ChangeReason.RECUSAL))


class AssignmentChange(SealedRow, Model):
    """That a task was given or taken away outside a proposal, by whom, and why."""

    __tablename__ = "assignment_change"

    id: Mapped[int] = mapped_column(primary_key=True)
    assignment_id: Mapped[int] = mapped_column(ForeignKey("assignment.id"), index=True)
    assignment: Mapped[Assignment] = relationship()
    given: Mapped[bool]  # False: taken away
    reason: Mapped[ChangeReason] = mapped_column(state_column(ChangeReason))
    note = sealed_text()  # in the chair's words; may name people
    by_id: Mapped[int] = mapped_column(ForeignKey("user.id"))
    by: Mapped[User] = relationship()
    at: Mapped[datetime]
