"""Many papers in one file: asked for by one person, approved by another, downloaded once, then gone."""

from datetime import datetime, timedelta
from enum import StrEnum

from flask_babel import lazy_gettext as _
from sqlalchemy import CheckConstraint, ForeignKey, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from grants.access.models import User
from grants.access.permissions import Permission
from grants.calls.models import Call
from grants.core.crypto import SealedRow, sealed_optional_text, sealed_text
from grants.core.db import Model, state_column
from grants.delivery.models.deliveries import Delivery
from grants.delivery.models.documents import exactly_one
from grants.delivery.models.factors import SymbolCard
from grants.delivery.models.runs import Run
from grants.selection.models import Award

KEPT = timedelta(days=3)  # a file that nobody downloads, and an approval that nobody gives


class BatchKind(StrEnum):
    CARDS = "cards"
    RECEIPTS = "receipts"
    WAYBILLS = "waybills"
    PICKING_LISTS = "picking_lists"


BATCH_NAMES = {
    BatchKind.CARDS: _("Symbol cards"),
    BatchKind.RECEIPTS: _("Delivery receipts"),
    BatchKind.WAYBILLS: _("Waybills"),
    BatchKind.PICKING_LISTS: _("Picking lists"),
}
# These hold codes and names: nobody gets them alone.
NEEDS_TWO = frozenset({BatchKind.CARDS, BatchKind.RECEIPTS})
MAY_PRINT = {
    BatchKind.CARDS: Permission.ISSUE_CARD,
    BatchKind.RECEIPTS: Permission.PLAN_DELIVERY,
    BatchKind.WAYBILLS: Permission.PACK_KIT,
    BatchKind.PICKING_LISTS: Permission.PACK_KIT,
}


class BatchState(StrEnum):
    ASKED = "asked"
    MAKING = "making"
    READY = "ready"
    TAKEN = "taken"
    ENDED = "ended"


BATCH_STATES = {
    BatchState.ASKED: _("Waits for a second person"),
    BatchState.MAKING: _("Being made"),
    BatchState.READY: _("Ready to download"),
    BatchState.TAKEN: _("Downloaded"),
    BatchState.ENDED: _("Ended"),
}


class PrintBatch(Model):
    """A file of many papers on its way from the question to the one download."""

    __tablename__ = "print_batch"
    __table_args__ = (
        CheckConstraint("approved_by_id <> asked_by_id", name="two_people"),
        CheckConstraint("(approved_by_id IS NULL) = (approved_at IS NULL)", name="approved_by_somebody"),
        CheckConstraint("kind NOT IN ('cards', 'receipts') OR state IN ('asked', 'ended')"
                        " OR approved_by_id IS NOT NULL", name="approved"),
        CheckConstraint("made >= 0 AND made <= total", name="made"),
        CheckConstraint("(state = 'taken') = (taken_at IS NOT NULL)", name="taken_once"),
        Index("ix_print_batch_state_asked", "state", "asked_at"),
    )  # fmt: skip

    id: Mapped[int] = mapped_column(primary_key=True)
    folio: Mapped[str] = mapped_column(String(12), unique=True)
    kind: Mapped[BatchKind] = mapped_column(state_column(BatchKind))
    state: Mapped[BatchState] = mapped_column(state_column(BatchState))
    call_id: Mapped[int | None] = mapped_column(ForeignKey("call.id"))
    call: Mapped[Call | None] = relationship()
    address: Mapped[str] = mapped_column(String(200))  # where papers are verified, up to their number
    total: Mapped[int]
    made: Mapped[int] = mapped_column(default=0)
    asked_by_id: Mapped[int] = mapped_column(ForeignKey("user.id"))
    asked_by: Mapped[User] = relationship(foreign_keys=[asked_by_id])
    asked_at: Mapped[datetime]
    approved_by_id: Mapped[int | None] = mapped_column(ForeignKey("user.id"))
    approved_by: Mapped[User | None] = relationship(foreign_keys=[approved_by_id])
    approved_at: Mapped[datetime | None]
    claimed_until: Mapped[datetime | None]  # one process makes pages at a time; a killed one loses its claim by this
    ready_at: Mapped[datetime | None]
    taken_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]

    @property
    def needs_two(self) -> bool:
        return self.kind in NEEDS_TWO

    @property
    def kept_until(self) -> datetime:
        """When a file that nobody downloaded goes."""
        return (self.ready_at or self.asked_at) + KEPT


class PrintItem(SealedRow, Model):
    """One paper of a file: of a delivery, a run, or the card of an award. Its page waits sealed until all are there."""

    __tablename__ = "print_item"
    __table_args__ = (
        UniqueConstraint("batch_id", "position"),
        CheckConstraint(exactly_one("award_id", "delivery_id", "run_id"), name="one_subject"),
    )  # fmt: skip

    id: Mapped[int] = mapped_column(primary_key=True)
    batch_id: Mapped[int] = mapped_column(ForeignKey("print_batch.id"))
    batch: Mapped[PrintBatch] = relationship()
    position: Mapped[int]
    award_id: Mapped[int | None] = mapped_column(ForeignKey("award.id"))
    award: Mapped[Award | None] = relationship()
    delivery_id: Mapped[int | None] = mapped_column(ForeignKey("delivery.id"))
    delivery: Mapped[Delivery | None] = relationship()
    run_id: Mapped[int | None] = mapped_column(ForeignKey("run.id"))
    run: Mapped[Run | None] = relationship()
    card_id: Mapped[int | None] = mapped_column(ForeignKey("symbol_card.id"))  # whose codes are on the page
    card: Mapped[SymbolCard | None] = relationship()
    label: Mapped[str] = mapped_column(String(24), default="")  # on the control sheet
    part = sealed_optional_text()  # the page, in base64, until the file is whole
    made_at: Mapped[datetime | None]
    left_out: Mapped[bool] = mapped_column(default=False)  # its card was printed or replaced, its award ended


class PrintFile(SealedRow, Model):
    """The whole file, sealed. The row goes with the download."""

    __tablename__ = "print_file"

    id: Mapped[int] = mapped_column(primary_key=True)
    batch_id: Mapped[int] = mapped_column(ForeignKey("print_batch.id"), unique=True)
    content = sealed_text()  # base64
