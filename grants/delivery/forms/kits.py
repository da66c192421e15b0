"""The shape of what people type about one kit: its articles, a substitution, the recipe, the check at the point."""

from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import Any

from flask_babel import lazy_gettext as _
from flask_wtf import FlaskForm
from wtforms import SelectField
from wtforms import StringField as TextField
from wtforms.validators import InputRequired, Length, NumberRange, Optional

from grants.calls.forms import UsdField, WholeNumberField
from grants.core.web import Written
from grants.delivery.forms.goods import CENT, MOST_UNITS, MOST_USD
from grants.delivery.forms.handling import plain
from grants.delivery.models import SUBSTITUTION_REASONS, Item, KitLine, KitRecipe, SubstitutionReason
from grants.delivery.models.goods import name_key
from grants.delivery.services.substitution import Instead

NOTHING = Decimal("0.00")
NO_ITEM = ("0", _("Bought for this person: no stock"))


def _choices(items: Iterable[Item]) -> list[tuple[str, Any]]:
    return [NO_ITEM, *((str(item.id), item.name) for item in items)]


class MatchForm(FlaskForm):
    """Which article each line is. Build with `for_lines`; the same name is offered first."""

    @classmethod
    def for_lines(cls, lines: Sequence[KitLine], items: Sequence[Item]) -> "MatchForm":
        by_name = {item.key: str(item.id) for item in items}
        fields: dict[str, Any] = {}
        for line in lines:
            guess = str(line.item_id) if line.item_id else by_name.get(name_key(line.name), NO_ITEM[0])
            known = [*items, line.item] if line.item is not None and line.item not in items else items
            fields[f"item_{line.position}"] = SelectField(line.name, choices=_choices(known), default=guess)
        form: MatchForm = type(cls.__name__, (cls,), fields)()
        return form

    def chosen(self, lines: Iterable[KitLine], items: Iterable[Item]) -> dict[int, Item | None]:
        """Position → article."""
        known = {str(item.id): item for item in items}
        known |= {str(line.item_id): line.item for line in lines if line.item is not None}
        return {line.position: known.get(self[f"item_{line.position}"].data) for line in lines}


class SubstituteForm(FlaskForm):
    item = SelectField(_("Article of the catalogue"))
    name = TextField(
        _("Name, where it is bought for this person"), [Optional(strip_whitespace=False), Length(max=160), plain]
    )
    quantity = WholeNumberField(_("Quantity"), [InputRequired(_("Write how many.")), NumberRange(1, MOST_UNITS)])
    unit_price_usd = UsdField(
        _("Price of one unit, USD"), [Optional(), NumberRange(CENT, MOST_USD)],
        description=_("Only for what is bought for this person. An article has the catalogue's price."),
    )  # fmt: skip
    reason = SelectField(_("Reason"), choices=[(one.value, name) for one, name in SUBSTITUTION_REASONS.items()])

    def offer(self, items: Iterable[Item]) -> None:
        self.item.choices = _choices(items)

    def instead(self, line: KitLine, items: Iterable[Item]) -> Instead:
        """What the line becomes; without article and name it keeps its name."""
        item = {str(one.id): one for one in items}.get(self.item.data or "")
        name = item.name if item is not None else " ".join(str(self.name.data or "").split()) or line.name
        return Instead(name, self.quantity.data or 0, self.unit_price_usd.data or NOTHING, item)

    @property
    def chosen(self) -> SubstitutionReason:
        return SubstitutionReason(self.reason.data)


class RecipeChoiceForm(FlaskForm):
    recipe = SelectField(_("Recipe"))

    def offer(self, recipes: Iterable[KitRecipe]) -> None:
        self.recipe.choices = [(str(one.id), one.name) for one in recipes]


class CheckForm(FlaskForm):
    """What the officer reads on the kit. Build with `for_lines`; it shows nothing of what is right."""

    seal_number = TextField(
        _("Number on the seal"), [Written(_("Write the number that is on the seal.")), Length(max=30), plain]
    )
    weight_grams = WholeNumberField(
        _("Weight in grams"), [Optional(), NumberRange(1, 500_000)], description=_("Leave it empty without a scale.")
    )

    @classmethod
    def for_lines(cls, lines: Iterable[KitLine]) -> "CheckForm":
        needed = [Written(_("Write the serial number.")), Length(max=60), plain]
        fields = {
            f"serial_{line.position}": TextField(_("Serial number of: %(name)s", name=line.name), needed)
            for line in lines if line.serial_number
        }  # fmt: skip
        form: CheckForm = type(cls.__name__, (cls,), fields)()
        return form

    @property
    def serial_fields(self) -> list[Any]:
        return [field for field in self if field.name.startswith("serial_")]

    @property
    def serials(self) -> list[str]:
        return [str(field.data) for field in self.serial_fields]
