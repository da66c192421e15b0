"""Runs: a team with a vehicle, and how much value it carries."""

from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum

from flask_babel import lazy_gettext as _
from sqlalchemy import CheckConstraint, ForeignKey, Index, String, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from grants.access.models import User
from grants.core.crypto import SealedRow, sealed_text
from grants.core.db import Model, state_column


class RunState(StrEnum):
    PLANNED = "planned"
    OUT = "out"
    ENDED = "ended"
    CANCELLED = "cancelled"


RUN_NAMES = {
    RunState.PLANNED: _("Planned"),
    RunState.OUT: _("On the road"),
    RunState.ENDED: _("Ended"),
    RunState.CANCELLED: _("Cancelled"),
}


class Team(Model):
    """People who go out together. What they carry is counted here, so that two dispatches cannot both pass the cap."""

    __tablename__ = "team"
    __table_args__ = (CheckConstraint("value_out_cents >= 0", name="value_out"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(80), unique=True)
    # The value of the kits it carries now, and the lowest cap among them when one left or came back last; NULL when it
    # carries none. The cap that holds is read anew at each departure.
    value_out_cents: Mapped[int] = mapped_column(default=0)
    cap_out_cents: Mapped[int | None]
    created_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]

    # Who is of it now; those who left keep their row, so that it can be told who was on the team.
    members: Mapped[list["TeamMember"]] = relationship(
        back_populates="team",
        order_by="TeamMember.id",
        primaryjoin="and_(TeamMember.team_id == Team.id, TeamMember.left_at.is_(None))",
    )

    @property
    def is_live(self) -> bool:
        return self.ended_at is None

    @property
    def value_out_usd(self) -> Decimal:
        return Decimal(self.value_out_cents) / 100

    @property
    def cap_out_usd(self) -> Decimal | None:
        """The lowest cap among the kits it carries, when one left or came back last."""
        return None if self.cap_out_cents is None else Decimal(self.cap_out_cents) / 100


class TeamMember(Model):
    """An officer of a team. The database refuses a person in two teams at a time."""

    __tablename__ = "team_member"
    __table_args__ = (
        UniqueConstraint("team_id", "user_id"),
        Index("uq_team_member_live", "user_id", unique=True,
              sqlite_where=text("left_at IS NULL"), postgresql_where=text("left_at IS NULL")),
    )  # fmt: skip

    id: Mapped[int] = mapped_column(primary_key=True)
    team_id: Mapped[int] = mapped_column(ForeignKey("team.id"))
    team: Mapped[Team] = relationship(back_populates="members")
    user_id: Mapped[int] = mapped_column(ForeignKey("user.id"), index=True)
    user: Mapped[User] = relationship()
    left_at: Mapped[datetime | None]


class Vehicle(SealedRow, Model):
    """What a team drives. Its plate is for the team and the desk."""

    __tablename__ = "vehicle"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(80), unique=True)
    plate = sealed_text()
    created_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]


class Run(Model):
    """A day's salida of a team: its deliveries are its stops, in order."""

    __tablename__ = "run"
    __table_args__ = (
        CheckConstraint("(state IN ('out', 'ended')) = (dispatched_at IS NOT NULL)", name="dispatched"),
        CheckConstraint("(state = 'ended') = (ended_at IS NOT NULL)", name="ended"),
        Index("ix_run_officer_state", "officer_id", "state"),
        Index("ix_run_state_day", "state", "day"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    folio: Mapped[str] = mapped_column(String(12), unique=True)
    team_id: Mapped[int] = mapped_column(ForeignKey("team.id"), index=True)
    team: Mapped[Team] = relationship()
    vehicle_id: Mapped[int] = mapped_column(ForeignKey("vehicle.id"))
    vehicle: Mapped[Vehicle] = relationship()
    officer_id: Mapped[int] = mapped_column(ForeignKey("user.id"))  # who leads and confirms
    officer: Mapped[User] = relationship(foreign_keys=[officer_id])
    day: Mapped[date]
    state: Mapped[RunState] = mapped_column(state_column(RunState), default=RunState.PLANNED)
    created_by_id: Mapped[int] = mapped_column(ForeignKey("user.id"))
    created_at: Mapped[datetime]
    dispatched_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]
