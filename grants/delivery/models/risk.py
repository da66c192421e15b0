"""The risk of an area: dated snapshots by canton, the hubs, and the versions of what each level asks for."""

from datetime import datetime, time
from enum import StrEnum
from typing import Any

from sqlalchemy import JSON, CheckConstraint, ForeignKey, Index, String, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from grants.access.models import User
from grants.core.crypto import SealedRow, sealed_optional_text, sealed_text
from grants.core.db import Model, state_column
from grants.people.models import Canton


class ProtocolVersion(Model):
    """The table of levels from a moment on, in force as it is written. Never changed: a new version follows."""

    __tablename__ = "protocol_version"

    id: Mapped[int] = mapped_column(primary_key=True)
    number: Mapped[int] = mapped_column(unique=True)
    levels: Mapped[dict[str, Any]] = mapped_column(JSON)  # "1" to "3" → LevelRules.as_json()
    note: Mapped[str] = mapped_column(String(300))
    created_at: Mapped[datetime]
    created_by_id: Mapped[int] = mapped_column(ForeignKey("user.id"))


class ProposalState(StrEnum):
    OPEN = "open"  # waits for the director
    SIGNED = "signed"
    WITHDRAWN = "withdrawn"
    REFUSED = "refused"


_OPEN = text("state = 'open'")


class LevelsProposal(Model):
    """A table that asks for less than the one in force: it holds only once the director signed it."""

    __tablename__ = "levels_proposal"
    __table_args__ = (
        CheckConstraint("(state = 'open') = (ended_at IS NULL)", name="ended"),
        CheckConstraint("(ended_at IS NULL) = (ended_by_id IS NULL)", name="ended_by"),
        CheckConstraint("state <> 'signed' OR ended_by_id <> proposed_by_id", name="two_people"),
        # One at a time.
        Index("uq_levels_proposal_open", "state", unique=True, sqlite_where=_OPEN, postgresql_where=_OPEN),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    state: Mapped[ProposalState] = mapped_column(state_column(ProposalState), default=ProposalState.OPEN)
    after_number: Mapped[int]  # the version that it is to take the place of; 0: the starting values
    levels: Mapped[dict[str, Any]] = mapped_column(JSON)  # as in ProtocolVersion
    note: Mapped[str] = mapped_column(String(300))
    proposed_at: Mapped[datetime]
    proposed_by_id: Mapped[int] = mapped_column(ForeignKey("user.id"))
    proposed_by: Mapped[User] = relationship(foreign_keys=[proposed_by_id])
    ended_at: Mapped[datetime | None]
    ended_by_id: Mapped[int | None] = mapped_column(ForeignKey("user.id"))


class RiskSnapshot(SealedRow, Model):
    """What is known of a canton at a moment. The newest one in force counts, until it expires."""

    __tablename__ = "risk_snapshot"
    __table_args__ = (
        CheckConstraint("level BETWEEN 1 AND 3", name="level"),
        CheckConstraint("expires_at > taken_at", name="expires"),
        CheckConstraint("(curfew_from IS NULL) = (curfew_until IS NULL)", name="curfew"),
        CheckConstraint("signed_by_id IS NULL OR signed_by_id <> taken_by_id", name="two_people"),
        CheckConstraint("(withdrawn_at IS NULL) = (withdrawn_by_id IS NULL)", name="withdrawn"),
        Index("ix_risk_snapshot_canton_force", "canton_code", "in_force_at"),
        Index("uq_risk_snapshot_follows_id", "follows_id", unique=True),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    folio: Mapped[str] = mapped_column(String(12), unique=True)
    canton_code: Mapped[str] = mapped_column(ForeignKey("canton.code"))
    canton: Mapped[Canton] = relationship()
    level: Mapped[int]
    reason = sealed_text()
    sources = sealed_optional_text()
    decree: Mapped[str | None] = mapped_column(String(80))
    curfew_from: Mapped[time | None]  # where the programme works
    curfew_until: Mapped[time | None]
    taken_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    taken_by_id: Mapped[int] = mapped_column(ForeignKey("user.id"))
    taken_by: Mapped[User] = relationship(foreign_keys=[taken_by_id])
    signed_by_id: Mapped[int | None] = mapped_column(ForeignKey("user.id"))  # the director, where two must agree
    # NULL while a second signature is missing.
    in_force_at: Mapped[datetime | None]
    # The one in force before it. Unique: of two that come into force at once, one gets through.
    follows_id: Mapped[int | None] = mapped_column(ForeignKey("risk_snapshot.id"))
    # A lower level waits for the director; this is the one it is to take the place of.
    lowers_id: Mapped[int | None] = mapped_column(ForeignKey("risk_snapshot.id"))
    # The desk held the whole area: nothing goes on until a new snapshot is taken.
    withdrawn_at: Mapped[datetime | None]
    withdrawn_by_id: Mapped[int | None] = mapped_column(ForeignKey("user.id"))

    def is_live(self, now: datetime) -> bool:
        return self.in_force_at is not None and self.withdrawn_at is None and self.expires_at > now

    def waits_for_signature(self, now: datetime) -> bool:
        """A lower level that the desk asked for and the director has not signed."""
        is_open = self.in_force_at is None and self.withdrawn_at is None
        return self.lowers_id is not None and is_open and self.expires_at > now

    def touches_curfew(self, start: time, end: time) -> bool:
        """Whether a window of one local day, start < end, meets the curfew, which may run over midnight.

        One that ends when it begins lasts all day.
        """
        if self.curfew_from is None or self.curfew_until is None:
            return False
        if self.curfew_from < self.curfew_until:
            return start < self.curfew_until and end > self.curfew_from
        return start < self.curfew_until or end > self.curfew_from


class Hub(SealedRow, Model):
    """A safe house of the programme, where people of a canton come to pick their kit up."""

    __tablename__ = "hub"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(80), unique=True)
    canton_code: Mapped[str] = mapped_column(ForeignKey("canton.code"), index=True)
    canton: Mapped[Canton] = relationship()
    address = sealed_text()
    created_at: Mapped[datetime]
    created_by_id: Mapped[int] = mapped_column(ForeignKey("user.id"))
    ended_at: Mapped[datetime | None]
