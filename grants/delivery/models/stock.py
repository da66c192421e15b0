"""The warehouse's ledger: every movement of every lot, what was counted, and devices one by one."""

from datetime import datetime
from decimal import Decimal
from enum import StrEnum

from flask_babel import lazy_gettext as _
from sqlalchemy import DDL, CheckConstraint, ForeignKey, Index, String, UniqueConstraint, event, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from grants.access.models import User
from grants.core.db import Model, state_column
from grants.delivery.models.deliveries import Delivery
from grants.delivery.models.goods import StockLot


class MovementKind(StrEnum):
    RECEIVE = "receive"
    ISSUE = "issue"
    TAKE_BACK = "take_back"
    ADJUST = "adjust"
    COUNT = "count"


MOVEMENT_NAMES = {
    MovementKind.RECEIVE: _("Received from a supplier"),
    MovementKind.ISSUE: _("Issued to a kit"),
    MovementKind.TAKE_BACK: _("Taken back from a kit"),
    MovementKind.ADJUST: _("Adjusted"),
    MovementKind.COUNT: _("Corrected after a count"),
}


class AdjustReason(StrEnum):
    """Why the shelf differs from the book. A code: no free text, so no personal data."""

    DAMAGED = "damaged"
    PAST_ITS_DATE = "past_its_date"
    LOST = "lost"
    STOLEN = "stolen"
    TO_SUPPLIER = "to_supplier"
    FOUND = "found"
    WRONG_ENTRY = "wrong_entry"


ADJUST_NAMES = {
    AdjustReason.DAMAGED: _("Damaged"),
    AdjustReason.PAST_ITS_DATE: _("Past its date"),
    AdjustReason.LOST: _("Lost"),
    AdjustReason.STOLEN: _("Stolen"),
    AdjustReason.TO_SUPPLIER: _("Sent back to the supplier"),
    AdjustReason.FOUND: _("Found"),
    AdjustReason.WRONG_ENTRY: _("It was written down wrong"),
}


class CorrectionState(StrEnum):
    OPEN = "open"  # waits for a second person
    APPLIED = "applied"
    REFUSED = "refused"


CORRECTION_NAMES = {
    CorrectionState.OPEN: _("To be confirmed"),
    CorrectionState.APPLIED: _("In the book"),
    CorrectionState.REFUSED: _("Refused"),
}


class StockCorrection(Model):
    """A count of a lot, or an adjustment with its reason. A large one waits for a second person."""

    __tablename__ = "stock_correction"
    __table_args__ = (
        Index("uq_stock_correction_open", "lot_id", unique=True,
              sqlite_where=text("state = 'open'"), postgresql_where=text("state = 'open'")),
        CheckConstraint("(counted IS NULL) <> (reason IS NULL)", name="count_or_reason"),
        CheckConstraint("counted IS NULL OR counted - expected = variance", name="variance"),
        CheckConstraint("(decided_at IS NULL) = (decided_by_id IS NULL)", name="decided_by_somebody"),
        CheckConstraint("decided_by_id <> made_by_id", name="two_people"),
        CheckConstraint("state <> 'open' OR decided_at IS NULL", name="open_is_undecided"),
    )  # fmt: skip

    id: Mapped[int] = mapped_column(primary_key=True)
    lot_id: Mapped[int] = mapped_column(ForeignKey("stock_lot.id"), index=True)
    lot: Mapped[StockLot] = relationship()
    expected: Mapped[int]  # what the book said
    counted: Mapped[int | None]  # None: an adjustment
    variance: Mapped[int]
    reason: Mapped[AdjustReason | None] = mapped_column(state_column(AdjustReason))
    state: Mapped[CorrectionState] = mapped_column(state_column(CorrectionState))
    made_by_id: Mapped[int] = mapped_column(ForeignKey("user.id"))
    made_by: Mapped[User] = relationship(foreign_keys=[made_by_id])
    made_at: Mapped[datetime]
    decided_by_id: Mapped[int | None] = mapped_column(ForeignKey("user.id"))
    decided_by: Mapped[User | None] = relationship(foreign_keys=[decided_by_id])
    decided_at: Mapped[datetime | None]

    @property
    def value_usd(self) -> Decimal:
        """What the difference is worth, at the lot's cost or the catalogue's price, whichever is more."""
        return abs(self.variance) * max(self.lot.unit_cost_usd, self.lot.item.reference_price_usd)


class StockMovement(Model):
    """A line of the ledger. Triggers refuse to change or delete one; `quantity` is signed."""

    __tablename__ = "stock_movement"
    __table_args__ = (
        CheckConstraint("quantity <> 0", name="quantity"),
        CheckConstraint("kind NOT IN ('receive', 'take_back') OR quantity > 0", name="in"),
        CheckConstraint("kind <> 'issue' OR quantity < 0", name="out"),
        CheckConstraint("(kind IN ('issue', 'take_back')) = (delivery_id IS NOT NULL)", name="delivery"),
        CheckConstraint("(kind IN ('adjust', 'count')) = (correction_id IS NOT NULL)", name="correction"),
        Index("ix_stock_movement_lot", "lot_id", "id"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    lot_id: Mapped[int] = mapped_column(ForeignKey("stock_lot.id"))
    lot: Mapped[StockLot] = relationship()
    kind: Mapped[MovementKind] = mapped_column(state_column(MovementKind))
    quantity: Mapped[int]
    delivery_id: Mapped[int | None] = mapped_column(ForeignKey("delivery.id"), index=True)
    delivery: Mapped[Delivery | None] = relationship()
    kit_line_id: Mapped[int | None] = mapped_column(ForeignKey("kit_line.id"))
    correction_id: Mapped[int | None] = mapped_column(ForeignKey("stock_correction.id"), unique=True)
    correction: Mapped[StockCorrection | None] = relationship()
    by_id: Mapped[int] = mapped_column(ForeignKey("user.id"))
    by: Mapped[User] = relationship()
    at: Mapped[datetime]


class DeviceUnit(Model):
    """One device on the shelf or in a kit, by its serial number; a phone has its IMEI too."""

    __tablename__ = "device_unit"
    __table_args__ = (CheckConstraint("imei IS NULL OR length(imei) = 15", name="imei"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    lot_id: Mapped[int] = mapped_column(ForeignKey("stock_lot.id"), index=True)
    lot: Mapped[StockLot] = relationship()
    serial_number: Mapped[str] = mapped_column(String(60), unique=True)
    imei: Mapped[str | None] = mapped_column(String(15), unique=True)
    registered_by_id: Mapped[int] = mapped_column(ForeignKey("user.id"))
    registered_at: Mapped[datetime]

    @property
    def numbers(self) -> tuple[str, ...]:
        """What may be read on it: its serial number, and a phone's IMEI."""
        return (self.serial_number,) if self.imei is None else (self.serial_number, self.imei)


class DeviceAbsence(Model):
    """A device that a correction took off the shelf, until another one put it back.

    It begins when the correction is written down, also while that waits for a second person; a refused one takes
    nothing out and puts nothing back.
    """

    __tablename__ = "device_absence"
    __table_args__ = (
        UniqueConstraint("unit_id", "gone_with_id"),
        CheckConstraint("back_with_id IS NULL OR back_with_id <> gone_with_id", name="two_corrections"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    unit_id: Mapped[int] = mapped_column(ForeignKey("device_unit.id"))
    unit: Mapped[DeviceUnit] = relationship()
    gone_with_id: Mapped[int] = mapped_column(ForeignKey("stock_correction.id"), index=True)
    gone_with: Mapped[StockCorrection] = relationship(foreign_keys=[gone_with_id])
    back_with_id: Mapped[int | None] = mapped_column(ForeignKey("stock_correction.id"), index=True)
    back_with: Mapped[StockCorrection | None] = relationship(foreign_keys=[back_with_id])


# The same statements run where tables are created from the models and in the migration.
LEDGER_SQLITE = tuple(
    f"CREATE TRIGGER stock_movement_no_{verb.lower()} BEFORE {verb} ON stock_movement "
    "BEGIN SELECT RAISE(ABORT, 'the ledger is append-only'); END"
    for verb in ("UPDATE", "DELETE")
)
LEDGER_POSTGRESQL = (
    "CREATE OR REPLACE FUNCTION ledger_is_append_only() RETURNS trigger LANGUAGE plpgsql AS "
    "$$ BEGIN RAISE EXCEPTION 'the ledger is append-only'; END $$",
    "CREATE TRIGGER stock_movement_no_change BEFORE UPDATE OR DELETE ON stock_movement "
    "FOR EACH ROW EXECUTE FUNCTION ledger_is_append_only()",
    "CREATE TRIGGER stock_movement_no_truncate BEFORE TRUNCATE ON stock_movement "
    "FOR EACH STATEMENT EXECUTE FUNCTION ledger_is_append_only()",
)

for _statement in LEDGER_SQLITE:
    event.listen(StockMovement.__table__, "after_create", DDL(_statement).execute_if(dialect="sqlite"))  # type: ignore[no-untyped-call]
for _statement in LEDGER_POSTGRESQL:
    event.listen(StockMovement.__table__, "after_create", DDL(_statement).execute_if(dialect="postgresql"))  # type: ignore[no-untyped-call]
