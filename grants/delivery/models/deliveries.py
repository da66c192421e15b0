"""Deliveries, their kits, events, and who holds which duty."""

import hashlib
from datetime import datetime
from decimal import Decimal

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, UniqueConstraint, and_, text
from sqlalchemy.orm import Mapped, foreign, mapped_column, relationship

from grants.access.models import User
from grants.core.crypto import SealedRow, sealed_optional_text
from grants.core.db import Model, Usd, state_column
from grants.delivery.models.alternates import AlternateCollector
from grants.delivery.models.goods import Item
from grants.delivery.models.risk import Hub, RiskSnapshot
from grants.delivery.models.runs import Run
from grants.delivery.models.states import (
    DELIVERY_MOVES,
    ENDED_WITHOUT_HANDOVER,
    NO_SNAPSHOT,
    ON_THE_ROAD,
    DeliveryState,
    Duty,
    Reason,
)
from grants.people.models import Canton, Person
from grants.selection.models import Award

_LIVE = "state NOT IN ('returned', 'seized', 'replacement', 'cancelled')"
_HANDED_OVER = "state IN ('confirmed', 'disputed', 'reconciled', 'monitored', 'closed')"


class Delivery(SealedRow, Model):
    """One kit or device on its way to one person."""

    __tablename__ = "delivery"
    __table_args__ = (
        CheckConstraint(f"({_HANDED_OVER}) = (confirmed_at IS NOT NULL) OR state = 'replacement'",
                        name="confirmed_at"),
        Index("uq_delivery_live_entitlement", "award_id", unique=True,
              sqlite_where=text(_LIVE), postgresql_where=text(_LIVE)),
        Index("ix_delivery_officer_state", "officer_id", "state"),
        Index("ix_delivery_state_folio", "state", "folio"),
        Index("uq_delivery_stop", "run_id", "stop_position", unique=True),
        Index("ix_delivery_canton_state", "canton_code", "state"),
        CheckConstraint("value_usd > 0", name="value"),
        CheckConstraint("value_usd <= ceiling_usd", name="ceiling"),
        CheckConstraint("cost_usd <= ceiling_usd", name="cost"),
        CheckConstraint("approvals BETWEEN 0 AND 2", name="approvals"),
        CheckConstraint("level BETWEEN 1 AND 3", name="level"),
        CheckConstraint("state <> 'scheduled' OR (run_id IS NOT NULL AND officer_id IS NOT NULL)", name="scheduled"),
        CheckConstraint("state NOT IN ('in_transit', 'at_point') OR (officer_id IS NOT NULL AND digest IS NOT NULL)",
                        name="sealed_and_carried"),
    )  # fmt: skip

    id: Mapped[int] = mapped_column(primary_key=True)
    folio: Mapped[str] = mapped_column(String(12), unique=True)
    award_id: Mapped[int] = mapped_column(ForeignKey("award.id"))
    award: Mapped[Award] = relationship()
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"), index=True)
    person: Mapped[Person] = relationship()
    state: Mapped[DeliveryState] = mapped_column(state_column(DeliveryState), default=DeliveryState.DRAFT)
    canton_code: Mapped[str] = mapped_column(ForeignKey("canton.code"))
    canton: Mapped[Canton] = relationship()
    # What was known of the canton when the desk cleared it, and the level whose rules hold for this delivery.
    risk_snapshot_id: Mapped[int | None] = mapped_column(ForeignKey("risk_snapshot.id"))
    risk_snapshot: Mapped[RiskSnapshot | None] = relationship()
    level: Mapped[int | None]
    hub_id: Mapped[int | None] = mapped_column(ForeignKey("hub.id"))  # picked up there, not in the field
    hub: Mapped[Hub | None] = relationship()
    run_id: Mapped[int | None] = mapped_column(ForeignKey("run.id"), index=True)
    run: Mapped[Run | None] = relationship()
    stop_position: Mapped[int | None]
    carried_since: Mapped[datetime | None]  # while the kit is with the team
    place = sealed_optional_text()  # where and when: for the team only
    scheduled_for = sealed_optional_text()
    window_until = sealed_optional_text()
    officer_id: Mapped[int | None] = mapped_column(ForeignKey("user.id"))
    officer: Mapped[User | None] = relationship(foreign_keys=[officer_id])
    value_usd: Mapped[Decimal] = mapped_column(Usd)
    ceiling_usd: Mapped[Decimal | None] = mapped_column(Usd)  # the award's value less what stayed with the person
    agreed_usd: Mapped[Decimal | None] = mapped_column(Usd)  # the value last approved: substitutions count from it
    cost_usd: Mapped[Decimal | None] = mapped_column(Usd)  # what the packed goods cost, lot by lot
    kit_version: Mapped[int] = mapped_column(default=1)
    approvals: Mapped[int] = mapped_column(default=0)  # two make it approved
    seal_number: Mapped[str | None] = mapped_column(String(30), unique=True)
    weight_grams: Mapped[int | None]
    # SHA-256(delivery | beneficiary | kit version | sorted serials | seal | risk snapshot), §1
    digest: Mapped[str | None] = mapped_column(String(64))
    created_by_id: Mapped[int] = mapped_column(ForeignKey("user.id"))
    created_at: Mapped[datetime]
    confirmed_at: Mapped[datetime | None] = mapped_column(index=True)

    lines: Mapped[list["KitLine"]] = relationship(back_populates="delivery", order_by="KitLine.position")
    events: Mapped[list["DeliveryEvent"]] = relationship(back_populates="delivery", order_by="DeliveryEvent.id")
    alternate: Mapped[AlternateCollector | None] = relationship(
        primaryjoin=lambda: and_(
            foreign(AlternateCollector.award_id) == Delivery.award_id, AlternateCollector.revoked_at.is_(None)
        ),
        uselist=False, viewonly=True,
    )  # fmt: skip

    @property
    def is_live(self) -> bool:
        return self.state not in ENDED_WITHOUT_HANDOVER

    def can_become(self, state: DeliveryState) -> bool:
        return state in DELIVERY_MOVES.get(self.state, frozenset())

    @property
    def stop_at(self) -> datetime | None:
        """When the officer is to be there; for that officer's page only."""
        return datetime.fromisoformat(self.scheduled_for) if self.scheduled_for else None

    @property
    def window_ends_at(self) -> datetime | None:
        """Until when the officer waits; for that officer's page only."""
        return datetime.fromisoformat(self.window_until) if self.window_until else None

    @property
    def receiver_folio(self) -> str:
        """Of who is to receive: the alternate collector while there is one, else the beneficiary."""
        return self.alternate.folio if self.alternate is not None else self.person.folio

    @property
    def is_on_the_road(self) -> bool:
        return self.state in ON_THE_ROAD

    def digest_over(self, beneficiary: str) -> str:
        """What codes are bound to (§1): any change to it voids what was entered. `beneficiary`: who receives."""
        serials = ",".join(sorted(line.serial_number for line in self.lines if line.serial_number))
        snapshot = self.risk_snapshot.folio if self.risk_snapshot is not None else NO_SNAPSHOT
        parts = (self.folio, beneficiary, str(self.kit_version), serials, self.seal_number or "", snapshot)
        return hashlib.sha256("|".join(parts).encode()).hexdigest()


class KitLine(Model):
    """An item of the kit, from the awarded item list; a device carries its serial number."""

    __tablename__ = "kit_line"
    __table_args__ = (
        UniqueConstraint("delivery_id", "position"),
        CheckConstraint("quantity > 0", name="quantity"),
        CheckConstraint("unit_price_usd >= 0", name="price"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    delivery_id: Mapped[int] = mapped_column(ForeignKey("delivery.id"))
    delivery: Mapped[Delivery] = relationship(back_populates="lines")
    position: Mapped[int]
    name: Mapped[str] = mapped_column(String(160))
    quantity: Mapped[int]
    unit_price_usd: Mapped[Decimal] = mapped_column(Usd)
    # The catalogue's article that is taken from the shelf; None: bought for this person, no stock is touched.
    item_id: Mapped[int | None] = mapped_column(ForeignKey("item.id"), index=True)
    item: Mapped[Item | None] = relationship()
    needs_serial: Mapped[bool] = mapped_column(default=False)  # a device
    serial_number: Mapped[str | None] = mapped_column(String(60))
    # The serial number while the kit is live, then NULL: unique, so that it is in one live kit only.
    live_serial: Mapped[str | None] = mapped_column(String(60), unique=True)

    @property
    def total_usd(self) -> Decimal:
        return self.quantity * self.unit_price_usd


class DeliveryEvent(Model):
    """A transition: when, who, from a browser or a device, over which digest. Never a code."""

    __tablename__ = "delivery_event"

    id: Mapped[int] = mapped_column(primary_key=True)
    delivery_id: Mapped[int] = mapped_column(ForeignKey("delivery.id"), index=True)
    delivery: Mapped[Delivery] = relationship(back_populates="events")
    from_state: Mapped[DeliveryState] = mapped_column(state_column(DeliveryState, "from_state"))
    to_state: Mapped[DeliveryState] = mapped_column(state_column(DeliveryState, "to_state"))
    duty: Mapped[Duty | None] = mapped_column(state_column(Duty))
    reason: Mapped[Reason | None] = mapped_column(state_column(Reason))
    at: Mapped[datetime]
    by_id: Mapped[int | None] = mapped_column(ForeignKey("user.id"), index=True)  # None: a timed job
    by: Mapped[User | None] = relationship()
    device: Mapped[str | None] = mapped_column(String(60))
    evidence: Mapped[str] = mapped_column(String(1), default="A")  # B: offline
    digest: Mapped[str | None] = mapped_column(String(64))

    @property
    def tells_of_a_hold(self) -> bool:
        """Whoever stood behind it reported a danger or decided on one: their name is for the desk and the director."""
        resumed = self.from_state is DeliveryState.HELD and self.to_state is DeliveryState.CLEARED
        return self.to_state is DeliveryState.HELD or resumed


class DutyHeld(Model):
    """Who holds a duty for a delivery. Unique by person: the database refuses a second duty."""

    __tablename__ = "duty_held"
    __table_args__ = (UniqueConstraint("delivery_id", "user_id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    delivery_id: Mapped[int] = mapped_column(ForeignKey("delivery.id"))
    user_id: Mapped[int] = mapped_column(ForeignKey("user.id"), index=True)
    duty: Mapped[Duty] = mapped_column(state_column(Duty))
