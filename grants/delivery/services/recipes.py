"""Kits that are packed alike for many people."""

from datetime import datetime

from flask_babel import lazy_gettext as _

from grants.access.models import User
from grants.core.errors import RuleBroken
from grants.delivery.models import Delivery, KitLine, KitRecipe
from grants.delivery.services.planning import plan_delivery
from grants.delivery.services.substitution import devices_apart
from grants.selection.models import Award


def plan_by_recipe(award: Award, recipe: KitRecipe, *, by: User, now: datetime) -> Delivery:
    """Plan the award's delivery with a recipe's kit at the catalogue's prices; never above the award's value."""
    if recipe.retired_at is not None:
        raise RuleBroken(_("This recipe is offered no more. Choose another one."), field="recipe")
    if recipe.total_usd > award.value_usd:
        raise RuleBroken(
            _("This kit costs USD %(worth)s, above the award's USD %(ceiling)s. Choose another recipe.",
              worth=f"{recipe.total_usd:.2f}", ceiling=f"{award.value_usd:.2f}"), field="recipe"
        )  # fmt: skip
    return plan_delivery(award, by=by, now=now, lines=recipe_lines(recipe))


def recipe_lines(recipe: KitRecipe) -> list[KitLine]:
    """The kit of a recipe, every device in a line of its own."""
    return devices_apart(
        [
            KitLine(
                name=line.item.name, quantity=line.quantity, unit_price_usd=line.item.reference_price_usd,
                item_id=line.item_id, needs_serial=line.item.needs_serial,
            )
            for line in recipe.lines
        ]
    )  # fmt: skip
