"""Pitch sessions: where and when people present their plan, in which order, and before whom."""

from datetime import datetime, timedelta
from enum import StrEnum

from flask_babel import lazy_gettext as _
from sqlalchemy import CheckConstraint, Column, ForeignKey, Index, String, Table, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from grants.access.models import User
from grants.applications.models import Application
from grants.calls.models import Call
from grants.core.crypto import SealedRow, sealed_text
from grants.core.db import Model, state_column
from grants.evaluation.models.assigning import Assignment
from grants.people.models import Canton


class PitchState(StrEnum):
    PLANNED = "planned"
    RUNNING = "running"
    CLOSED = "closed"


SESSION_MOVES = {
    PitchState.PLANNED: frozenset({PitchState.RUNNING, PitchState.CLOSED}),  # closed at once: called off
    PitchState.RUNNING: frozenset({PitchState.CLOSED}),
    PitchState.CLOSED: frozenset(),
}


SESSION_NAMES = {
    PitchState.PLANNED: _("Planned"),
    PitchState.RUNNING: _("Running"),
    PitchState.CLOSED: _("Closed"),
}


class SlotState(StrEnum):
    PLANNED = "planned"
    PRESENT = "present"
    PITCHING = "pitching"
    DONE = "done"
    ABSENT = "absent"
    MOVED = "moved"  # given up for another slot


SLOT_MOVES = {
    SlotState.PLANNED: frozenset({SlotState.PRESENT, SlotState.ABSENT, SlotState.MOVED}),
    SlotState.PRESENT: frozenset({SlotState.PITCHING, SlotState.ABSENT, SlotState.MOVED}),
    SlotState.PITCHING: frozenset({SlotState.DONE, SlotState.PRESENT}),
    SlotState.DONE: frozenset({SlotState.PITCHING}),
    SlotState.ABSENT: frozenset({SlotState.MOVED}),
    SlotState.MOVED: frozenset(),
}
SLOT_NAMES = {
    SlotState.PLANNED: _("Expected"),
    SlotState.PRESENT: _("Present"),
    SlotState.PITCHING: _("Pitching"),
    SlotState.DONE: _("Has pitched"),
    SlotState.ABSENT: _("Absent"),
    SlotState.MOVED: _("Moved"),
}
LIVE = (SlotState.PLANNED, SlotState.PRESENT, SlotState.PITCHING, SlotState.DONE)
WAITING = (SlotState.PLANNED, SlotState.PRESENT)
_LIVE = text("state IN ('planned', 'present', 'pitching', 'done')")
_PITCHING = text("state = 'pitching'")

pitch_panel = Table(
    "pitch_panel",
    Model.metadata,
    Column("session_id", ForeignKey("pitch_session.id"), primary_key=True),
    Column("evaluator_id", ForeignKey("user.id"), primary_key=True, index=True),
)


class PitchSession(SealedRow, Model):
    """An occasion on which people of one call pitch before one panel, one after the other."""

    __tablename__ = "pitch_session"
    __table_args__ = (
        CheckConstraint("turns > 0", name="turns"),
        CheckConstraint("slot_minutes > 0 AND break_minutes >= 0", name="minutes"),
        CheckConstraint("state <> 'planned' OR opened_at IS NULL", name="not_yet_opened"),
        CheckConstraint("state <> 'running' OR opened_at IS NOT NULL", name="opened_at"),
        CheckConstraint("(state = 'closed') = (closed_at IS NOT NULL)", name="closed_at"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    call_id: Mapped[int] = mapped_column(ForeignKey("call.id"), index=True)
    call: Mapped[Call] = relationship()
    canton_code: Mapped[str] = mapped_column(ForeignKey("canton.code"))
    canton: Mapped[Canton] = relationship()
    place = sealed_text()  # where people gather is nobody's business but theirs
    starts_at: Mapped[datetime]
    turns: Mapped[int]  # how many people can be planned; late arrivals may come behind
    slot_minutes: Mapped[int]
    break_minutes: Mapped[int]
    state: Mapped[PitchState] = mapped_column(state_column(PitchState), default=PitchState.PLANNED)
    opened_at: Mapped[datetime | None]
    closed_at: Mapped[datetime | None]
    revision: Mapped[int] = mapped_column(default=0)  # grows with each change, so that phones see one
    created_by_id: Mapped[int] = mapped_column(ForeignKey("user.id"))
    created_at: Mapped[datetime]

    panel: Mapped[list[User]] = relationship(secondary=pitch_panel, order_by=User.id)

    @property
    def is_planned(self) -> bool:
        return self.state is PitchState.PLANNED

    @property
    def is_running(self) -> bool:
        return self.state is PitchState.RUNNING

    @property
    def is_closed(self) -> bool:
        return self.state is PitchState.CLOSED

    def time_of(self, position: int) -> datetime:
        """When the slot at this position (from 1) should begin."""
        return self.starts_at + (position - 1) * timedelta(minutes=self.slot_minutes + self.break_minutes)

    def seats(self, user: User) -> bool:
        """Whether this person sits on the panel."""
        return any(one.id == user.id for one in self.panel)


class PitchSlot(Model):
    """One application's turn in a session. A change of place or session is a new slot; the old one stays as moved."""

    __tablename__ = "pitch_slot"
    __table_args__ = (
        Index("uq_pitch_slot_live", "application_id", unique=True, sqlite_where=_LIVE, postgresql_where=_LIVE),
        Index("uq_pitch_slot_position", "session_id", "position", unique=True,
              sqlite_where=_LIVE, postgresql_where=_LIVE),
        Index("uq_pitch_slot_pitching", "session_id", unique=True,
              sqlite_where=_PITCHING, postgresql_where=_PITCHING),
        CheckConstraint("state NOT IN ('present', 'pitching', 'done') OR arrived_at IS NOT NULL", name="arrived_at"),
        CheckConstraint("(state IN ('pitching', 'done')) = (started_at IS NOT NULL)", name="started_at"),
        CheckConstraint("(state = 'done') = (ended_at IS NOT NULL)", name="ended_at"),
    )  # fmt: skip

    id: Mapped[int] = mapped_column(primary_key=True)
    session_id: Mapped[int] = mapped_column(ForeignKey("pitch_session.id"), index=True)
    session: Mapped[PitchSession] = relationship()
    application_id: Mapped[int] = mapped_column(ForeignKey("application.id"), index=True)
    application: Mapped[Application] = relationship()
    position: Mapped[int]  # from 1; below 0 only while two slots change places
    state: Mapped[SlotState] = mapped_column(state_column(SlotState), default=SlotState.PLANNED)
    arrived_at: Mapped[datetime | None]
    started_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]

    @property
    def is_live(self) -> bool:
        return self.state in LIVE

    @property
    def is_waiting(self) -> bool:
        """Still to pitch."""
        return self.state in WAITING

    @property
    def due_at(self) -> datetime:
        return self.session.time_of(self.position)

    def minutes_gone(self, now: datetime) -> int:
        """Whole minutes since the pitch began; 0 before."""
        until = self.ended_at or now
        return max(int((until - self.started_at).total_seconds() // 60), 0) if self.started_at else 0


class PitchUnavailability(Model):
    """An application's applicant cannot come to a session. Nobody asks why."""

    __tablename__ = "pitch_unavailability"

    session_id: Mapped[int] = mapped_column(ForeignKey("pitch_session.id"), primary_key=True)
    application_id: Mapped[int] = mapped_column(ForeignKey("application.id"), primary_key=True, index=True)
    noted_by_id: Mapped[int] = mapped_column(ForeignKey("user.id"))
    noted_at: Mapped[datetime]


class SheetDelivery(Model):
    """A sheet that arrived from a phone under a key of the phone's own: the same key again changes nothing."""

    __tablename__ = "sheet_delivery"
    __table_args__ = (UniqueConstraint("evaluator_id", "key"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    evaluator_id: Mapped[int] = mapped_column(ForeignKey("user.id"))
    key: Mapped[str] = mapped_column(String(64))
    assignment_id: Mapped[int] = mapped_column(ForeignKey("assignment.id"), index=True)
    assignment: Mapped[Assignment] = relationship()
    delivered_at: Mapped[datetime]
