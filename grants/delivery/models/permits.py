"""What only the security desk and the director together allow for one delivery."""

from datetime import datetime
from enum import StrEnum

from flask_babel import lazy_gettext as _
from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from grants.access.models import User
from grants.core.db import Model, state_column
from grants.delivery.models.deliveries import Delivery
from grants.delivery.models.risk import RiskSnapshot


class PermitKind(StrEnum):
    FIELD = "field"  # a delivery in the field at a level that holds by default
    RESUME = "resume"  # a held delivery goes on


PERMIT_NAMES = {PermitKind.FIELD: _("Delivery in the field"), PermitKind.RESUME: _("Held delivery goes on")}


class Permit(Model):
    """Two signatures of two people under one snapshot: under the next one it counts no more."""

    __tablename__ = "risk_permit"
    __table_args__ = (
        UniqueConstraint("delivery_id", "snapshot_id", "kind"),
        CheckConstraint("(signed_by_id IS NULL) = (signed_at IS NULL)", name="signed"),
        CheckConstraint("signed_by_id IS NULL OR signed_by_id <> asked_by_id", name="two_people"),
        Index("ix_risk_permit_signed_at", "signed_at", "id"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    delivery_id: Mapped[int] = mapped_column(ForeignKey("delivery.id"))
    delivery: Mapped[Delivery] = relationship()
    snapshot_id: Mapped[int] = mapped_column(ForeignKey("risk_snapshot.id"))
    snapshot: Mapped[RiskSnapshot] = relationship()
    kind: Mapped[PermitKind] = mapped_column(state_column(PermitKind))
    asked_by_id: Mapped[int] = mapped_column(ForeignKey("user.id"))  # the security desk
    asked_by: Mapped[User] = relationship(foreign_keys=[asked_by_id])
    asked_at: Mapped[datetime]
    signed_by_id: Mapped[int | None] = mapped_column(ForeignKey("user.id"))  # the director
    signed_at: Mapped[datetime | None]
