"""Suppliers, articles and recipes of kits."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from flask_babel import lazy_gettext as _
from sqlalchemy.exc import IntegrityError

from grants.access.models import User
from grants.core import journal
from grants.core.db import Model, db
from grants.core.errors import RuleBroken
from grants.delivery.models import Category, Item, KitRecipe, RecipeLine, Supplier
from grants.delivery.models.goods import name_key

NAME_TAKEN = _("There is one of this name already. Open it, or choose another name.")


@dataclass(frozen=True, slots=True)
class ItemFacts:
    """What the catalogue says about an article."""

    name: str
    unit: str
    category: Category
    reference_price_usd: Decimal
    reorder_level: int = 0
    needs_serial: bool = False
    has_imei: bool = False
    supplier: Supplier | None = None


def save_supplier(supplier: Supplier | None, *, name: str, contact: str, by: User, now: datetime) -> Supplier:
    """Write down a supplier, a new one where none is given."""
    saved = supplier or Supplier()
    saved.name, saved.key, saved.contact = _named(name), name_key(name), contact.strip() or None
    _keep(saved)
    journal.record(by, "supplier.saved", saved, at=now)
    return saved


def save_item(item: Item | None, facts: ItemFacts, *, by: User, now: datetime) -> Item:
    """Write down an article, a new one where none is given. Whether it has serial numbers is settled at the start."""
    if facts.has_imei and not facts.needs_serial:
        raise RuleBroken(_("A phone with an IMEI has a serial number too. Mark both."), field="needs_serial")
    if item is not None and (item.needs_serial, item.has_imei) != (facts.needs_serial, facts.has_imei):
        raise RuleBroken(
            _("Whether an article has serial numbers cannot change: its stock was received that way. "
              "Write down a new article."), field="needs_serial"
        )  # fmt: skip
    saved = item or Item()
    saved.name, saved.key, saved.unit = _named(facts.name), name_key(facts.name), facts.unit.strip()
    saved.category, saved.reference_price_usd = facts.category, facts.reference_price_usd
    saved.reorder_level, saved.supplier = facts.reorder_level, facts.supplier
    saved.needs_serial, saved.has_imei = facts.needs_serial, facts.has_imei
    _keep(saved)
    journal.record(by, "item.saved", saved, at=now)
    return saved


def save_recipe(
    recipe: KitRecipe | None, *, name: str, lines: Sequence[tuple[Item, int]], by: User, now: datetime
) -> KitRecipe:
    """Write down a recipe, a new one where none is given. Kits that were planned by it stay as they are."""
    if not lines:
        raise RuleBroken(_("Choose at least one article and write how many."))
    if len({item.id for item, _quantity in lines}) < len(lines):
        raise RuleBroken(_("The same article stands twice. Put its units in one line."))
    saved = recipe or KitRecipe(created_by_id=by.id, created_at=now)
    saved.name, saved.key = _named(name), name_key(name)
    saved.lines.clear()
    _keep(saved)
    for position, (item, quantity) in enumerate(lines, 1):
        saved.lines.append(RecipeLine(position=position, item=item, quantity=quantity))
    _keep(saved)
    journal.record(by, "recipe.saved", saved, at=now)
    return saved


def retire(thing: Supplier | Item | KitRecipe, *, by: User, now: datetime) -> None:
    """Offer it no more, or offer it again. What was done with it stays."""
    thing.retired_at = now if thing.retired_at is None else None
    action = "retired" if thing.retired_at else "offered"
    journal.record(by, f"{thing.__tablename__}.{action}", thing, at=now)


def _named(name: str) -> str:
    written = " ".join(name.split())
    if not written:
        raise RuleBroken(_("Write the name."), field="name")
    return written


def _keep(row: Model) -> None:
    try:
        with db.session.begin_nested():
            db.session.add(row)
    except IntegrityError as error:
        raise RuleBroken(NAME_TAKEN, field="name") from error
