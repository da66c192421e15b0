"""What kits are made of: suppliers, articles, lots on the shelf, and recipes."""

from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum

from flask_babel import lazy_gettext as _
from sqlalchemy import CheckConstraint, ForeignKey, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from grants.access.models import User
from grants.core.crypto import SealedRow, sealed_optional_text
from grants.core.db import Model, Usd, state_column


class Category(StrEnum):
    EQUIPMENT = "equipment"
    TOOLS = "tools"
    MATERIALS = "materials"
    FOOD = "food"
    FARMING = "farming"
    DEVICES = "devices"
    OTHER = "other"


CATEGORY_NAMES = {
    Category.EQUIPMENT: _("Equipment"),
    Category.TOOLS: _("Tools"),
    Category.MATERIALS: _("Materials"),
    Category.FOOD: _("Food and ingredients"),
    Category.FARMING: _("Farming"),
    Category.DEVICES: _("Electronic devices"),
    Category.OTHER: _("Other"),
}


def name_key(name: str) -> str:
    """A name as compared: small letters, one space between words.

    >>> name_key("  Quintal  de HARINA ")
    'quintal de harina'
    """
    return " ".join(name.casefold().split())


class Supplier(SealedRow, Model):
    """Who sells goods to the programme."""

    __tablename__ = "supplier"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(160))
    key: Mapped[str] = mapped_column(String(200), unique=True)  # the name as compared
    contact = sealed_optional_text()  # a person's name, phone or mail
    retired_at: Mapped[datetime | None]


class Item(Model):
    """An article of the catalogue. `reorder_level`: at this many or fewer it is time to buy."""

    __tablename__ = "item"
    __table_args__ = (
        CheckConstraint("reference_price_usd > 0", name="price"),
        CheckConstraint("reorder_level >= 0", name="reorder_level"),
        CheckConstraint("needs_serial OR NOT has_imei", name="imei_has_serial"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(160))
    key: Mapped[str] = mapped_column(String(200), unique=True)  # the name as compared
    unit: Mapped[str] = mapped_column(String(30))
    category: Mapped[Category] = mapped_column(state_column(Category))
    needs_serial: Mapped[bool] = mapped_column(default=False)
    has_imei: Mapped[bool] = mapped_column(default=False)  # a phone
    reference_price_usd: Mapped[Decimal] = mapped_column(Usd)
    reorder_level: Mapped[int] = mapped_column(default=0)
    supplier_id: Mapped[int | None] = mapped_column(ForeignKey("supplier.id"), index=True)
    supplier: Mapped[Supplier | None] = relationship()
    retired_at: Mapped[datetime | None]


class StockLot(Model):
    """What came in one delivery of a supplier, at one cost.

    `on_hand` is the sum of the lot's movements, kept beside them by the same transaction: a guarded UPDATE of it is
    what settles a race over the last units.
    """

    __tablename__ = "stock_lot"
    __table_args__ = (
        CheckConstraint("received > 0", name="received"),
        CheckConstraint("on_hand >= 0", name="on_hand"),
        CheckConstraint("unit_cost_usd >= 0", name="unit_cost"),
        Index("ix_stock_lot_item_on_hand", "item_id", "on_hand"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    item_id: Mapped[int] = mapped_column(ForeignKey("item.id"))
    item: Mapped[Item] = relationship()
    supplier_id: Mapped[int] = mapped_column(ForeignKey("supplier.id"), index=True)
    supplier: Mapped[Supplier] = relationship()
    unit_cost_usd: Mapped[Decimal] = mapped_column(Usd)
    invoice: Mapped[str] = mapped_column(String(60))
    best_before: Mapped[date | None]
    received: Mapped[int]
    on_hand: Mapped[int]
    received_on: Mapped[date]
    received_by_id: Mapped[int] = mapped_column(ForeignKey("user.id"))
    received_by: Mapped[User] = relationship()
    created_at: Mapped[datetime]

    def is_past_its_date(self, today: date) -> bool:
        return self.best_before is not None and self.best_before < today


class KitRecipe(Model):
    """A kit that is packed alike for many people."""

    __tablename__ = "kit_recipe"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(160))
    key: Mapped[str] = mapped_column(String(200), unique=True)  # the name as compared
    created_by_id: Mapped[int] = mapped_column(ForeignKey("user.id"))
    created_at: Mapped[datetime]
    retired_at: Mapped[datetime | None]

    lines: Mapped[list["RecipeLine"]] = relationship(
        back_populates="recipe", order_by="RecipeLine.position", cascade="all, delete-orphan"
    )

    @property
    def total_usd(self) -> Decimal:
        """What the kit costs at the catalogue's prices."""
        return sum((line.quantity * line.item.reference_price_usd for line in self.lines), Decimal("0.00"))


class RecipeLine(Model):
    """So many of an article."""

    __tablename__ = "recipe_line"
    __table_args__ = (
        UniqueConstraint("recipe_id", "position"),
        UniqueConstraint("recipe_id", "item_id"),
        CheckConstraint("quantity > 0", name="quantity"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    recipe_id: Mapped[int] = mapped_column(ForeignKey("kit_recipe.id"))
    recipe: Mapped[KitRecipe] = relationship(back_populates="lines")
    position: Mapped[int]
    item_id: Mapped[int] = mapped_column(ForeignKey("item.id"))
    item: Mapped[Item] = relationship()
    quantity: Mapped[int]
