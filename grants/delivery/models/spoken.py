"""Codes that are said or sent for one delivery, each used once: the control room's, and factor C by phone."""

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, LargeBinary, String, UniqueConstraint, text
from sqlalchemy.orm import Mapped, declared_attr, mapped_column

from grants.core.db import Model

_LIVE = text("used_at IS NULL AND ended_at IS NULL")


class _SpokenCode:
    """Eight digits, kept as a slow hash, bound to the digest of the delivery at the moment of giving."""

    id: Mapped[int] = mapped_column(primary_key=True)
    delivery_id: Mapped[int] = mapped_column(ForeignKey("delivery.id"))
    # First, second, third code of this delivery: of two given at one moment the database refuses one.
    turn: Mapped[int]
    salt: Mapped[bytes] = mapped_column(LargeBinary(16))
    code_hash: Mapped[bytes] = mapped_column(LargeBinary(32))
    hash_memory_kib: Mapped[int]
    hash_time_cost: Mapped[int]
    digest: Mapped[str] = mapped_column(String(64))
    given_by_id: Mapped[int] = mapped_column(ForeignKey("user.id"))
    given_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    used_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]  # by a newer one

    @declared_attr.directive
    def __table_args__(cls) -> tuple[object, ...]:  # noqa: N805 -- SQLAlchemy hands over the class
        name: str = cls.__tablename__  # type: ignore[attr-defined]
        return (
            UniqueConstraint("delivery_id", "turn"),
            CheckConstraint("expires_at > given_at", name="expires_at"),
            Index(f"uq_{name}_live", "delivery_id", unique=True, sqlite_where=_LIVE, postgresql_where=_LIVE),
        )

    def serves(self, digest: str | None, now: datetime) -> bool:
        """Live, in time, and given for what is handed over now."""
        return (self.used_at is None) & (self.ended_at is None) & (now < self.expires_at) & (self.digest == digest)


class ControlCode(_SpokenCode, Model):
    """Level 3: the control room says it by voice to the officer at the point."""

    __tablename__ = "control_code"


class PhoneCode(_SpokenCode, Model):
    """Factor C, level 1 only: sent to the beneficiary's own number, for a person who has no card."""

    __tablename__ = "phone_code"
