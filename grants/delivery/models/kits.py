"""What happens to a kit before its owner has it: substitutions, and the check at the point."""

from datetime import datetime
from decimal import Decimal
from enum import StrEnum

from flask_babel import lazy_gettext as _
from sqlalchemy import CheckConstraint, ForeignKey, Index, String, Text, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from grants.access.models import User
from grants.core.db import Model, Usd, state_column
from grants.delivery.models.deliveries import Delivery
from grants.delivery.models.goods import Item


class SubstitutionReason(StrEnum):
    OUT_OF_STOCK = "out_of_stock"
    PRICE_CHANGED = "price_changed"
    BETTER_FIT = "better_fit"
    ASKED_BY_PERSON = "asked_by_person"
    DAMAGED = "damaged"
    OTHER = "other"


SUBSTITUTION_REASONS = {
    SubstitutionReason.OUT_OF_STOCK: _("It cannot be bought now"),
    SubstitutionReason.PRICE_CHANGED: _("Its price changed"),
    SubstitutionReason.BETTER_FIT: _("Another one fits the business better"),
    SubstitutionReason.ASKED_BY_PERSON: _("The person asked for it"),
    SubstitutionReason.DAMAGED: _("It is damaged"),
    SubstitutionReason.OTHER: _("Another reason"),
}


class SubstitutionState(StrEnum):
    OPEN = "open"  # waits for approval
    APPLIED = "applied"
    REFUSED = "refused"


SUBSTITUTION_NAMES = {
    SubstitutionState.OPEN: _("Waits for approval"),
    SubstitutionState.APPLIED: _("In the kit"),
    SubstitutionState.REFUSED: _("Refused"),
}


class KitSubstitution(Model):
    """Another article, quantity or price in a line of an approved kit: what it was, what it is, who and why."""

    __tablename__ = "kit_substitution"
    __table_args__ = (
        Index("uq_kit_substitution_open", "delivery_id", unique=True,
              sqlite_where=text("state = 'open'"), postgresql_where=text("state = 'open'")),
        CheckConstraint("quantity_before > 0 AND quantity_after > 0", name="quantity"),
        CheckConstraint("price_before_usd >= 0 AND price_after_usd >= 0", name="price"),
        CheckConstraint("(decided_at IS NULL) = (decided_by_id IS NULL)", name="decided_by_somebody"),
        CheckConstraint("decided_by_id <> made_by_id", name="two_people"),
        CheckConstraint("state = 'open' OR decided_by_id IS NOT NULL OR NOT needs_approval", name="approved"),
        CheckConstraint("state <> 'open' OR (needs_approval AND decided_at IS NULL)", name="open"),
    )  # fmt: skip

    id: Mapped[int] = mapped_column(primary_key=True)
    delivery_id: Mapped[int] = mapped_column(ForeignKey("delivery.id"), index=True)
    delivery: Mapped[Delivery] = relationship()
    position: Mapped[int]
    kit_version: Mapped[int]  # the kit's number after this was written down
    reason: Mapped[SubstitutionReason] = mapped_column(state_column(SubstitutionReason))
    state: Mapped[SubstitutionState] = mapped_column(state_column(SubstitutionState))
    needs_approval: Mapped[bool]
    name_before: Mapped[str] = mapped_column(String(160))
    name_after: Mapped[str] = mapped_column(String(160))
    item_before_id: Mapped[int | None] = mapped_column(ForeignKey("item.id"))
    item_after_id: Mapped[int | None] = mapped_column(ForeignKey("item.id"))
    item_after: Mapped[Item | None] = relationship(foreign_keys=[item_after_id])
    quantity_before: Mapped[int]
    quantity_after: Mapped[int]
    price_before_usd: Mapped[Decimal] = mapped_column(Usd)
    price_after_usd: Mapped[Decimal] = mapped_column(Usd)
    value_before_usd: Mapped[Decimal] = mapped_column(Usd)  # of the whole kit
    value_after_usd: Mapped[Decimal] = mapped_column(Usd)
    made_by_id: Mapped[int] = mapped_column(ForeignKey("user.id"))
    made_by: Mapped[User] = relationship(foreign_keys=[made_by_id])
    made_at: Mapped[datetime]
    decided_by_id: Mapped[int | None] = mapped_column(ForeignKey("user.id"))
    decided_by: Mapped[User | None] = relationship(foreign_keys=[decided_by_id])
    decided_at: Mapped[datetime | None]


class HandoverCheck(Model):
    """Seal, serial numbers and weight as read at the point, when they were right. A wrong reading leaves no row."""

    __tablename__ = "handover_check"
    __table_args__ = (CheckConstraint("weight_grams IS NULL OR weight_grams > 0", name="weight"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    delivery_id: Mapped[int] = mapped_column(ForeignKey("delivery.id"), index=True)
    seal_number: Mapped[str] = mapped_column(String(30))
    serials: Mapped[str] = mapped_column(Text)  # sorted, with commas between
    weight_grams: Mapped[int | None]  # None: no scale at the point
    digest: Mapped[str] = mapped_column(String(64))  # what the reading was about; a later change voids it
    by_id: Mapped[int] = mapped_column(ForeignKey("user.id"))
    at: Mapped[datetime]
