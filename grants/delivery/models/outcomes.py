"""What happened when a kit was not simply handed over: on the road, at the count in the warehouse, in a dispute."""

from datetime import UTC, datetime
from decimal import Decimal
from enum import StrEnum

from flask_babel import lazy_gettext as _
from sqlalchemy import CheckConstraint, ForeignKey, Index, String, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from grants.access.models import User
from grants.core.crypto import SealedRow, sealed_optional_text, sealed_text
from grants.core.db import Model, state_column
from grants.delivery.models.deliveries import Delivery, KitLine
from grants.delivery.models.states import DeliveryState, Reason


class RoadOutcome(SealedRow, Model):
    """What the officer saw when nobody came, the person refused, or only a part was taken. One for each delivery."""

    __tablename__ = "road_outcome"
    __table_args__ = (
        CheckConstraint("state IN ('no_show', 'refused', 'partial')", name="not_handed_over"),
        CheckConstraint("waited_minutes >= 0", name="waited"),
        CheckConstraint("calls >= 0", name="calls"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    delivery_id: Mapped[int] = mapped_column(ForeignKey("delivery.id"), unique=True)
    delivery: Mapped[Delivery] = relationship()
    state: Mapped[DeliveryState] = mapped_column(state_column(DeliveryState))
    reason: Mapped[Reason] = mapped_column(state_column(Reason))
    waited_minutes: Mapped[int | None]
    calls: Mapped[int | None]  # how often the person was called
    said = sealed_optional_text()
    at: Mapped[datetime]
    by_id: Mapped[int] = mapped_column(ForeignKey("user.id"))


class LineOutcome(Model):
    """Where the units of one line are: with the person, not there at all, or back in the warehouse."""

    __tablename__ = "line_outcome"
    __table_args__ = (
        CheckConstraint("with_person >= 0", name="with_person"),
        CheckConstraint("missing >= 0", name="missing"),
        CheckConstraint("came_back >= 0", name="came_back"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    line_id: Mapped[int] = mapped_column(ForeignKey("kit_line.id"), unique=True)
    line: Mapped[KitLine] = relationship()
    # Stayed with the person: as the officer wrote, or as two people decided about a dispute.
    with_person: Mapped[int] = mapped_column(default=0)
    missing: Mapped[int] = mapped_column(default=0)  # the officer did not find them in the sealed kit
    came_back: Mapped[int | None]  # counted in the warehouse
    # The number of the device that came back instead of the line's own: that one did not come back.
    read_serial: Mapped[str | None] = mapped_column(String(60))
    denied_at: Mapped[datetime | None]  # in a visit the person said that nothing of it stayed with them

    @property
    def stayed(self) -> int:
        """Units that stayed with the person, as long as the person does not say otherwise."""
        return 0 if self.denied_at is not None else self.with_person

    @property
    def stayed_whole(self) -> bool:
        """Whether every unit of the line is with the person: a device of it is in no hands of ours."""
        return self.stayed == self.line.quantity

    @property
    def unaccounted(self) -> int:
        """Units that are neither with the person nor back; before the count, those that the officer did not find."""
        if self.came_back is None:
            return self.missing
        return self.line.quantity - self.stayed - self.came_back

    @property
    def unaccounted_usd(self) -> Decimal:
        return self.unaccounted * self.line.unit_price_usd


class SealState(StrEnum):
    """How the seal of a returned kit was found."""

    WHOLE = "whole"
    BROKEN = "broken"
    GONE = "gone"


SEAL_NAMES = {
    SealState.WHOLE: _("Whole"),
    SealState.BROKEN: _("Broken"),
    SealState.GONE: _("There is no seal, or no kit"),
}


class ReturnCount(SealedRow, Model):
    """The count of a kit that came back: by one person, signed by another; neither carried it."""

    __tablename__ = "return_count"
    __table_args__ = (
        CheckConstraint("signed_by_id <> counted_by_id", name="two_people"),
        CheckConstraint("(signed_at IS NULL) = (signed_by_id IS NULL)", name="signed_by_somebody"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    delivery_id: Mapped[int] = mapped_column(ForeignKey("delivery.id"), unique=True)
    delivery: Mapped[Delivery] = relationship()
    seal_state: Mapped[SealState] = mapped_column(state_column(SealState))
    reason: Mapped[Reason] = mapped_column(state_column(Reason))
    differs: Mapped[bool]  # the seal, the units or a serial number are not as they left
    note = sealed_optional_text()
    counted_by_id: Mapped[int] = mapped_column(ForeignKey("user.id"))
    counted_by: Mapped[User] = relationship(foreign_keys=[counted_by_id])
    counted_at: Mapped[datetime]
    signed_by_id: Mapped[int | None] = mapped_column(ForeignKey("user.id"))
    signed_at: Mapped[datetime | None]

    @property
    def stamp(self) -> str:
        """By which a signature names the count that was read. Its number alone may be given out again."""
        return f"{self.id}-{self.counted_at.astimezone(UTC).isoformat()}"


class FlagReason(StrEnum):
    SEIZED = "seized"
    MISSING = "missing"
    DISPUTED = "disputed"


FLAG_NAMES = {
    FlagReason.SEIZED: _("It was taken on the road"),
    FlagReason.MISSING: _("It did not come back"),
    FlagReason.DISPUTED: _("The person says it was not received"),
}


class FlaggedSerial(Model):
    """A device that must not go into another kit: whoever finds its number finds this."""

    __tablename__ = "flagged_serial"
    __table_args__ = (
        Index("uq_flagged_serial_live", "serial_number", unique=True,
              sqlite_where=text("lifted_at IS NULL"), postgresql_where=text("lifted_at IS NULL")),
        CheckConstraint("(lifted_at IS NULL) = (lifted_by_id IS NULL)", name="lifted_by_somebody"),
    )  # fmt: skip

    id: Mapped[int] = mapped_column(primary_key=True)
    serial_number: Mapped[str] = mapped_column(String(60), index=True)
    why: Mapped[FlagReason] = mapped_column(state_column(FlagReason))
    delivery_id: Mapped[int] = mapped_column(ForeignKey("delivery.id"), index=True)
    delivery: Mapped[Delivery] = relationship()
    flagged_at: Mapped[datetime]
    flagged_by_id: Mapped[int] = mapped_column(ForeignKey("user.id"))
    lifted_at: Mapped[datetime | None]
    lifted_by_id: Mapped[int | None] = mapped_column(ForeignKey("user.id"))


class DisputeOutcome(StrEnum):
    """What two people decide about a dispute."""

    RECONCILED = "reconciled"
    REPLACEMENT = "replacement"


DISPUTE_NAMES = {
    DisputeOutcome.RECONCILED: _("The handover stands"),
    DisputeOutcome.REPLACEMENT: _("The delivery is made again"),
}
DISPUTE_REASONS = (Reason.NOT_RECEIVED, Reason.NOT_COMPLETE, Reason.NOT_AS_AGREED, Reason.RECORDS_DIFFER, Reason.OTHER)


class Dispute(SealedRow, Model):
    """A handover that somebody doubts. One proposes how it ends, another signs; neither opened it or did a part."""

    __tablename__ = "dispute"
    __table_args__ = (
        Index("uq_dispute_open", "delivery_id", unique=True,
              sqlite_where=text("decided_at IS NULL"), postgresql_where=text("decided_at IS NULL")),
        Index("ix_dispute_decided_at", "decided_at", "id"),
        CheckConstraint("(outcome IS NULL) = (proposed_by_id IS NULL)", name="proposed_by_somebody"),
        CheckConstraint("(decided_at IS NULL) = (decided_by_id IS NULL)", name="decided_by_somebody"),
        CheckConstraint("decided_at IS NULL OR outcome IS NOT NULL", name="decided_has_outcome"),
        CheckConstraint("decided_by_id <> proposed_by_id", name="two_people_decide"),
        CheckConstraint("opened_by_id <> proposed_by_id AND opened_by_id <> decided_by_id", name="not_the_opener"),
    )  # fmt: skip

    id: Mapped[int] = mapped_column(primary_key=True)
    folio: Mapped[str] = mapped_column(String(12), unique=True)
    delivery_id: Mapped[int] = mapped_column(ForeignKey("delivery.id"), index=True)
    delivery: Mapped[Delivery] = relationship()
    came_from: Mapped[DeliveryState] = mapped_column(state_column(DeliveryState, "came_from"))
    reason: Mapped[Reason] = mapped_column(state_column(Reason))
    said = sealed_text()
    opened_by_id: Mapped[int] = mapped_column(ForeignKey("user.id"))
    opened_by: Mapped[User] = relationship(foreign_keys=[opened_by_id])
    opened_at: Mapped[datetime]
    outcome: Mapped[DisputeOutcome | None] = mapped_column(state_column(DisputeOutcome))
    answer = sealed_optional_text()
    proposal: Mapped[int] = mapped_column(default=0)  # grows: only the one that was read is signed
    proposed_by_id: Mapped[int | None] = mapped_column(ForeignKey("user.id"))
    proposed_by: Mapped[User | None] = relationship(foreign_keys=[proposed_by_id])
    decided_by_id: Mapped[int | None] = mapped_column(ForeignKey("user.id"))
    decided_by: Mapped[User | None] = relationship(foreign_keys=[decided_by_id])
    decided_at: Mapped[datetime | None]

    @property
    def is_decided(self) -> bool:
        return self.decided_at is not None

    def can_be_signed_by(self, user: User) -> bool:
        """Whether another's proposal waits, and the person did not open the dispute."""
        waits = self.outcome is not None and not self.is_decided
        return waits and user.id not in (self.proposed_by_id, self.opened_by_id)


class KeptLine(Model):
    """Of a proposal to make a delivery again: units of one line that the person has and keeps."""

    __tablename__ = "kept_line"
    __table_args__ = (
        UniqueConstraint("dispute_id", "proposal", "line_id"),
        CheckConstraint("units > 0", name="units"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    dispute_id: Mapped[int] = mapped_column(ForeignKey("dispute.id"))
    proposal: Mapped[int]  # the dispute's number when it was written: a newer proposal has its own lines
    line_id: Mapped[int] = mapped_column(ForeignKey("kit_line.id"))
    line: Mapped[KitLine] = relationship()
    units: Mapped[int]

    @property
    def worth_usd(self) -> Decimal:
        return self.units * self.line.unit_price_usd
