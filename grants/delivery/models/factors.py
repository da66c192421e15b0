"""What proves a handover and what it leaves: symbol cards, officers' PINs, signals, receipts, answers, devices."""

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, LargeBinary, String, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from grants.core.crypto import SealedRow, sealed_json, sealed_optional_text
from grants.core.db import Model
from grants.delivery.models.deliveries import Delivery
from grants.people.models import Person
from grants.selection.models import Award

_LIVE = "replaced_at IS NULL AND alternate_id IS NULL"


class SymbolCard(SealedRow, Model):
    """A beneficiary's factor: four codes, each beside a picture. Which one is true is sealed like the rest.

    All four codes are stored as slow hashes under one salt; `tag` is the 10-bit tag they share.
    """

    __tablename__ = "symbol_card"
    __table_args__ = (
        Index("uq_symbol_card_live", "person_id", "award_id", unique=True,
              sqlite_where=text(_LIVE), postgresql_where=text(_LIVE)),
        Index("uq_symbol_card_alternate", "alternate_id", unique=True,
              sqlite_where=text("replaced_at IS NULL"), postgresql_where=text("replaced_at IS NULL")),
        CheckConstraint("(replaced_at IS NULL) = (replaced_by_id IS NULL)", name="replaced_by"),
        CheckConstraint("replaced_by_id IS NULL OR (replacement_asked_by_id IS NOT NULL"
                        " AND replacement_asked_by_id <> replaced_by_id)", name="replaced_by_two"),
        CheckConstraint("printed_at IS NULL OR codes_sealed IS NULL", name="printed_once"),
    )  # fmt: skip

    id: Mapped[int] = mapped_column(primary_key=True)
    serial: Mapped[str] = mapped_column(String(12), unique=True)
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"))
    person: Mapped[Person] = relationship()
    award_id: Mapped[int] = mapped_column(ForeignKey("award.id"), index=True)
    award: Mapped[Award] = relationship()
    # Whose card it is when it is not the beneficiary's own.
    alternate_id: Mapped[int | None] = mapped_column(ForeignKey("alternate_collector.id"))
    salt: Mapped[bytes] = mapped_column(LargeBinary(16))
    tag: Mapped[int]
    # What the slow hash of this card costs (argon2id), so that a raised setting spoils no issued card.
    hash_memory_kib: Mapped[int]
    hash_time_cost: Mapped[int]
    code_hashes: Mapped[bytes] = mapped_column(LargeBinary(128))  # four times 32 bytes, in the pictures' order
    # The four codes until the card is printed once, then None.
    codes = sealed_json()
    # Position of the true picture ("0" to "3"), encrypted; NULL until the beneficiary has chosen.
    true_picture = sealed_optional_text()
    issued_by_id: Mapped[int] = mapped_column(ForeignKey("user.id"))
    issued_at: Mapped[datetime]
    printed_at: Mapped[datetime | None]
    printed_by_id: Mapped[int | None] = mapped_column(ForeignKey("user.id"))  # has held the codes, and never confirms
    chosen_at: Mapped[datetime | None]
    used_at: Mapped[datetime | None]
    replacement_asked_by_id: Mapped[int | None] = mapped_column(ForeignKey("user.id"))
    replaced_by_id: Mapped[int | None] = mapped_column(ForeignKey("user.id"))
    replaced_at: Mapped[datetime | None]

    @property
    def is_ready(self) -> bool:
        """Printed, its true picture chosen, not yet used."""
        return bool(self.printed_at and self.chosen_at and not self.used_at and not self.replaced_at)


class OfficerPin(SealedRow, Model):
    """An officer's 4-digit PIN and its family: their two secret first digits, 100 PINs. Everyone has one."""

    __tablename__ = "officer_pin"

    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("user.id"), unique=True)
    pin = sealed_json()  # fixed shape, so that every row has one length
    set_at: Mapped[datetime]


class Signal(Model):
    """One for every confirmation, always of one length, sealed to the security desk's public key.

    The application can write it and cannot read it (§6). Acknowledged and escalated alike, whatever it says.
    """

    __tablename__ = "signal"
    __table_args__ = (
        CheckConstraint("(delivery_id IS NULL) <> (drill_delivery_id IS NULL)", name="of_one_handover"),
        Index("ix_signal_waiting", "id", sqlite_where=text("acknowledged_at IS NULL"),
              postgresql_where=text("acknowledged_at IS NULL")),
    )  # fmt: skip

    id: Mapped[int] = mapped_column(primary_key=True)
    delivery_id: Mapped[int | None] = mapped_column(ForeignKey("delivery.id"), unique=True)
    drill_delivery_id: Mapped[int | None] = mapped_column(ForeignKey("drill_delivery.id"), unique=True)
    created_at: Mapped[datetime]
    box: Mapped[bytes] = mapped_column(LargeBinary(512))
    acknowledged_at: Mapped[datetime | None]
    acknowledged_by_id: Mapped[int | None] = mapped_column(ForeignKey("user.id"))
    escalated_at: Mapped[datetime | None]


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
    """What was answered to an idempotency key: the same request gets the same answer.

    The key itself is not kept. `request_hash` is made under it, so that nobody can try codes against this row.
    """

    __tablename__ = "stored_answer"
    __table_args__ = (UniqueConstraint("user_id", "key_hash"), Index("ix_stored_answer_created", "created_at"))

    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("user.id"))
    key_hash: Mapped[str] = mapped_column(String(64))
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
