"""The risk of an area: dated snapshots by canton, and the versions of what each level asks for."""

from datetime import datetime, time
from typing import Any

from sqlalchemy import JSON, CheckConstraint, ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column, relationship

from grants.access.models import User
from grants.core.crypto import SealedRow, sealed_optional_text, sealed_text
from grants.core.db import Model
from grants.people.models import Canton


class ProtocolVersion(Model):
    """The table of levels from a moment on. Never changed: a new version follows."""

    __tablename__ = "protocol_version"

    id: Mapped[int] = mapped_column(primary_key=True)
    number: Mapped[int] = mapped_column(unique=True)
    levels: Mapped[dict[str, Any]] = mapped_column(JSON)  # "1" to "3" → LevelRules.as_json()
    note: Mapped[str] = mapped_column(String(300))
    created_at: Mapped[datetime]
    created_by_id: Mapped[int] = mapped_column(ForeignKey("user.id"))


class RiskSnapshot(SealedRow, Model):
    """What is known of a canton at a moment. The newest one in force counts, until it expires."""

    __tablename__ = "risk_snapshot"
    __table_args__ = (
        CheckConstraint("level BETWEEN 1 AND 3", name="level"),
        CheckConstraint("expires_at > taken_at", name="expires"),
        CheckConstraint("(curfew_from IS NULL) = (curfew_until IS NULL)", name="curfew"),
        CheckConstraint("signed_by_id IS NULL OR signed_by_id <> taken_by_id", name="two_people"),
        Index("ix_risk_snapshot_canton_force", "canton_code", "in_force_at"),
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

    def is_live(self, now: datetime) -> bool:
        return self.in_force_at is not None and self.expires_at > now

    def touches_curfew(self, start: time, end: time) -> bool:
        """Whether a window of one local day, start < end, meets the curfew, which may run over midnight."""
        if self.curfew_from is None or self.curfew_until is None:
            return False
        if self.curfew_from <= self.curfew_until:
            return start < self.curfew_until and end > self.curfew_from
        return start < self.curfew_until or end > self.curfew_from
