"""Kits, deliveries and their states, symbol cards, officers' PINs, events, signals and receipts.

DELIVERY_PROTOCOL §3 names the states; the states of offline work, risk and disputes have their place already.
"""

from datetime import datetime
from decimal import Decimal
from enum import StrEnum

from sqlalchemy import CheckConstraint, ForeignKey, Index, LargeBinary, String, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from grants.access.models import User
from grants.core.crypto import SealedRow, sealed_json, sealed_optional_text
from grants.core.db import Model, Usd, state_column
from grants.people.models import Canton, Person
from grants.selection.models import Award


class DeliveryState(StrEnum):
    DRAFT = "draft"
    PLANNED = "planned"
    APPROVED = "approved"
    PACKED = "packed"
    SEALED = "sealed"
    CLEARED = "cleared"
    SCHEDULED = "scheduled"
    IN_TRANSIT = "in_transit"
    AT_POINT = "at_point"
    PROVISIONAL = "provisional"
    REVIEW = "review"
    CONFIRMED = "confirmed"
    NO_SHOW = "no_show"
    REFUSED = "refused"
    PARTIAL = "partial"
    RETURNING = "returning"
    RETURNED = "returned"
    HELD = "held"
    SEIZED = "seized"
    DISPUTED = "disputed"
    REPLACEMENT = "replacement"
    RECONCILED = "reconciled"
    MONITORED = "monitored"
    CLOSED = "closed"
    CANCELLED = "cancelled"


# A delivery that has ended without consuming the entitlement makes room for another.
ENDED_WITHOUT_HANDOVER = (
    DeliveryState.RETURNED,
    DeliveryState.SEIZED,
    DeliveryState.REPLACEMENT,
    DeliveryState.CANCELLED,
)
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
        CheckConstraint("value_usd > 0", name="value"),
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
    place = sealed_optional_text()  # where and when: for the team only
    scheduled_for = sealed_optional_text()
    officer_id: Mapped[int | None] = mapped_column(ForeignKey("user.id"))
    officer: Mapped[User | None] = relationship(foreign_keys=[officer_id])
    value_usd: Mapped[Decimal] = mapped_column(Usd)
    kit_version: Mapped[int] = mapped_column(default=1)
    seal_number: Mapped[str | None] = mapped_column(String(30), unique=True)
    weight_grams: Mapped[int | None]
    # SHA-256(delivery | beneficiary | kit version | sorted serials | seal | risk snapshot), §1
    digest: Mapped[str | None] = mapped_column(String(64))
    created_by_id: Mapped[int] = mapped_column(ForeignKey("user.id"))
    created_at: Mapped[datetime]
    confirmed_at: Mapped[datetime | None] = mapped_column(index=True)

    lines: Mapped[list["KitLine"]] = relationship(back_populates="delivery", order_by="KitLine.position")
    events: Mapped[list["DeliveryEvent"]] = relationship(back_populates="delivery", order_by="DeliveryEvent.id")

    @property
    def is_live(self) -> bool:
        return self.state not in ENDED_WITHOUT_HANDOVER


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
    serial_number: Mapped[str | None] = mapped_column(String(60))

    @property
    def total_usd(self) -> Decimal:
        return self.quantity * self.unit_price_usd


class Duty(StrEnum):
    """What a person did for one delivery. Nobody holds two (DELIVERY_PROTOCOL §3)."""

    APPROVE = "approve"
    PACK = "pack"
    RELEASE = "release"
    CONFIRM = "confirm"
    RECONCILE = "reconcile"
    MONITOR = "monitor"


class DeliveryEvent(Model):
    """A transition: when, who, from a browser or a device, over which digest. Never a code."""

    __tablename__ = "delivery_event"

    id: Mapped[int] = mapped_column(primary_key=True)
    delivery_id: Mapped[int] = mapped_column(ForeignKey("delivery.id"), index=True)
    delivery: Mapped[Delivery] = relationship(back_populates="events")
    from_state: Mapped[DeliveryState] = mapped_column(state_column(DeliveryState, "from_state"))
    to_state: Mapped[DeliveryState] = mapped_column(state_column(DeliveryState, "to_state"))
    duty: Mapped[Duty | None] = mapped_column(state_column(Duty))
    at: Mapped[datetime]
    by_id: Mapped[int] = mapped_column(ForeignKey("user.id"), index=True)
    by: Mapped[User] = relationship()
    device: Mapped[str | None] = mapped_column(String(60))
    evidence: Mapped[str] = mapped_column(String(1), default="A")  # B: offline
    digest: Mapped[str | None] = mapped_column(String(64))


class DutyHeld(Model):
    """Who holds a duty for a delivery. Unique by person: the database refuses a second duty."""

    __tablename__ = "duty_held"
    __table_args__ = (UniqueConstraint("delivery_id", "user_id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    delivery_id: Mapped[int] = mapped_column(ForeignKey("delivery.id"))
    user_id: Mapped[int] = mapped_column(ForeignKey("user.id"), index=True)
    duty: Mapped[Duty] = mapped_column(state_column(Duty))


class Picture(StrEnum):
    SUN = "sun"
    TREE = "tree"
    FISH = "fish"
    HOUSE = "house"


class SymbolCard(SealedRow, Model):
    """A beneficiary's factor: four codes, each beside a picture. Which one is true is sealed like the rest.

    All four codes are stored as slow hashes under one salt; `tag` is the 10-bit tag they share.
    """

    __tablename__ = "symbol_card"
    __table_args__ = (
        Index("uq_symbol_card_live", "person_id", "award_id", unique=True,
              sqlite_where=text("replaced_at IS NULL"), postgresql_where=text("replaced_at IS NULL")),
    )  # fmt: skip

    id: Mapped[int] = mapped_column(primary_key=True)
    serial: Mapped[str] = mapped_column(String(12), unique=True)
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"))
    person: Mapped[Person] = relationship()
    award_id: Mapped[int] = mapped_column(ForeignKey("award.id"), index=True)
    award: Mapped[Award] = relationship()
    salt: Mapped[bytes] = mapped_column(LargeBinary(16))
    tag: Mapped[int]
    code_hashes: Mapped[bytes] = mapped_column(LargeBinary(128))  # four times 32 bytes, in the pictures' order
    # The four codes until the card is printed once, then None.
    codes = sealed_json()
    # Position of the true picture, encrypted; NULL until the beneficiary has chosen.
    true_picture = sealed_optional_text()
    issued_by_id: Mapped[int] = mapped_column(ForeignKey("user.id"))
    issued_at: Mapped[datetime]
    printed_at: Mapped[datetime | None]
    chosen_at: Mapped[datetime | None]
    used_at: Mapped[datetime | None]
    replaced_at: Mapped[datetime | None]


class OfficerPin(SealedRow, Model):
    """An officer's 4-digit PIN and its family: their two secret first digits, 100 PINs. Everyone has one."""

    __tablename__ = "officer_pin"

    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("user.id"), unique=True)
    pin = sealed_json()  # fixed shape, so that every row has one length
    set_at: Mapped[datetime]


class Signal(Model):
    """One for every confirmation, always of one length, sealed to the security desk's public key.

    The application can write it and cannot read it (§6).
    """

    __tablename__ = "signal"

    id: Mapped[int] = mapped_column(primary_key=True)
    delivery_id: Mapped[int] = mapped_column(ForeignKey("delivery.id"), unique=True)
    created_at: Mapped[datetime]
    box: Mapped[bytes] = mapped_column(LargeBinary(512))


class Receipt(SealedRow, Model):
    """The acta de entrega-recepción, made from the confirmed row. Anyone with its number can check the hash."""

    __tablename__ = "receipt"

    id: Mapped[int] = mapped_column(primary_key=True)
    delivery_id: Mapped[int] = mapped_column(ForeignKey("delivery.id"), unique=True)
    delivery: Mapped[Delivery] = relationship()
    number: Mapped[str] = mapped_column(String(24), unique=True)  # random, printed in the QR
    content = sealed_json()  # what the PDF says
    content_hash: Mapped[str] = mapped_column(String(64))
    created_at: Mapped[datetime]


class StoredAnswer(Model):
    """What was answered to an idempotency key: the same request gets the same answer."""

    __tablename__ = "stored_answer"
    __table_args__ = (UniqueConstraint("user_id", "key"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("user.id"))
    key: Mapped[str] = mapped_column(String(80))
    request_hash: Mapped[str] = mapped_column(String(64))
    delivery_id: Mapped[int] = mapped_column(ForeignKey("delivery.id"))
    created_at: Mapped[datetime]


class Device(SealedRow, Model):
    """An officer's enrolled phone, for offline work: its public key and until when it is trusted."""

    __tablename__ = "device"

    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("user.id"), index=True)
    public_key: Mapped[bytes] = mapped_column(LargeBinary)
    enrolled_at: Mapped[datetime]
    revoked_at: Mapped[datetime | None]
