"""The shape of what the warehouse types: articles, suppliers, lots, counts, recipes."""

from collections.abc import Iterable, Sequence
from datetime import date
from decimal import Decimal
from typing import Any

from flask_babel import lazy_gettext as _
from flask_wtf import FlaskForm
from wtforms import BooleanField, DateField, Field, RadioField, SelectField, TextAreaField
from wtforms import StringField as TextField
from wtforms.validators import InputRequired, Length, NumberRange, Optional, ValidationError

from grants.access.forms import MultiCheckboxField
from grants.calls.forms import UsdField, WholeNumberField
from grants.core.web import Written, stripped
from grants.delivery.forms.handling import OnceForm, plain
from grants.delivery.models import (
    ADJUST_NAMES,
    CATEGORY_NAMES,
    AdjustReason,
    Category,
    Item,
    KitRecipe,
    StockLot,
    Supplier,
)
from grants.delivery.queries.devices import DevicePlace, PlacedDevice
from grants.delivery.services.catalogue import ItemFacts
from grants.delivery.services.stock import Arrival

MOST_UNITS, MOST_USD, CENT = 100_000, Decimal(100_000), Decimal("0.01")
MOST_DEVICES = 500
RECIPE_ROWS = 6
FIRST_YEAR, LAST_YEAR = 2000, 2100
NOBODY = ("0", _("None"))


def _words(label: Any, most: int, description: Any = "", *, needed: bool = True) -> TextField:
    first = Written(_("Write it.")) if needed else Optional(strip_whitespace=False)
    return TextField(label, [first, Length(max=most), plain], description=description, filters=[stripped])


def _a_day(_form: FlaskForm, field: Field) -> None:
    if field.data is not None and not FIRST_YEAR <= field.data.year <= LAST_YEAR:
        raise ValidationError(_("Choose a day of this century."))


def price_field(label: Any) -> UsdField:
    return UsdField(label, [InputRequired(_("Write an amount.")), NumberRange(CENT, MOST_USD)])


class SupplierForm(FlaskForm):
    name = _words(_("Name"), 160)
    contact = _words(_("Contact"), 200, _("Who to call, phone or mail. It is stored encrypted."), needed=False)


class ItemForm(FlaskForm):
    name = _words(_("Name"), 160)
    unit = _words(_("Unit"), 30, _("As it is counted: unit, sack, box …"))
    category = SelectField(_("Category"), choices=[(one.value, name) for one, name in CATEGORY_NAMES.items()])
    reference_price_usd = price_field(_("Price of one unit, USD"))
    reorder_level = WholeNumberField(
        _("Reorder level"), [Optional(), NumberRange(0, MOST_UNITS)],
        description=_("With so many units or fewer it is time to buy."),
    )  # fmt: skip
    supplier = SelectField(_("Usual supplier"))
    needs_serial = BooleanField(_("Every unit has a serial number"))
    has_imei = BooleanField(_("It is a phone: every unit has an IMEI too"))

    def offer(self, suppliers: Iterable[Supplier]) -> None:
        self.supplier.choices = [NOBODY, *((str(one.id), one.name) for one in suppliers)]

    def facts(self, suppliers: Iterable[Supplier]) -> ItemFacts:
        chosen = {str(one.id): one for one in suppliers}
        return ItemFacts(
            name=str(self.name.data), unit=str(self.unit.data), category=Category(self.category.data),
            reference_price_usd=self.reference_price_usd.data or CENT, reorder_level=self.reorder_level.data or 0,
            needs_serial=bool(self.needs_serial.data), has_imei=bool(self.has_imei.data),
            supplier=chosen.get(self.supplier.data or ""),
        )  # fmt: skip


class LotForm(OnceForm):
    supplier = SelectField(_("Supplier"))
    quantity = WholeNumberField(
        _("How many units came"), [InputRequired(_("Write how many.")), NumberRange(1, MOST_UNITS)]
    )
    unit_cost_usd = UsdField(
        _("Cost of one unit, USD"), [InputRequired(_("Write an amount.")), NumberRange(Decimal(0), MOST_USD)],
        description=_("As on the invoice. 0.00 for a gift."),
    )  # fmt: skip
    invoice = _words(_("Invoice number"), 60)
    received_on = DateField(_("Day on which it came"), [InputRequired(_("Choose the day.")), _a_day])
    best_before = DateField(_("Use before"), [Optional(), _a_day], description=_("For what goes bad."))

    def offer(self, suppliers: Iterable[Supplier]) -> None:
        self.supplier.choices = [(str(one.id), one.name) for one in suppliers]

    def arrival(self, item: Item, suppliers: Iterable[Supplier], today: date) -> Arrival:
        chosen = {str(one.id): one for one in suppliers}
        cost = self.unit_cost_usd.data
        return Arrival(
            item=item, supplier=chosen[self.supplier.data or ""], quantity=self.quantity.data or 0,
            unit_cost_usd=Decimal("0.00") if cost is None else cost, invoice=str(self.invoice.data),
            received_on=self.received_on.data or today, best_before=self.best_before.data,
        )  # fmt: skip


class DevicesForm(FlaskForm):
    devices = TextAreaField(_("Devices"), [Written(_("Write at least one device.")), Length(max=50_000)])

    def validate_devices(self, field: Field) -> None:
        if not all(line.isprintable() for line in str(field.data or "").splitlines()):
            raise ValidationError(_("Use letters, digits and signs only."))
        if not self.typed or len(self.typed) > MOST_DEVICES:
            raise ValidationError(_("Write from one to %(most)d devices, one a line.", most=MOST_DEVICES))
        if any(len(serial) > 60 or len(imei) > 40 for serial, imei in self.typed):
            raise ValidationError(_("A line is too long. Write one device a line: serial number, comma, IMEI."))

    @property
    def typed(self) -> list[tuple[str, str]]:
        """Serial number and what stands behind the comma, for each line that is not empty."""
        lines = [line for line in str(self.devices.data or "").splitlines() if line.strip()]
        parts = [line.replace(";", ",").partition(",") for line in lines]
        return [(serial.strip(), imei.strip()) for serial, _comma, imei in parts]


class CountForm(FlaskForm):
    """One count for each lot. Blank: not counted. Build with `for_lots`."""

    @classmethod
    def for_lots(cls, lots: Iterable[StockLot]) -> "CountForm":
        fields: dict[str, Any] = {
            f"lot_{lot.id}": WholeNumberField(_("Counted"), [Optional(), NumberRange(0, MOST_UNITS)]) for lot in lots
        }
        form: CountForm = type(cls.__name__, (cls,), fields)()
        return form

    @property
    def counted(self) -> dict[int, int]:
        """Lot's id → units."""
        fields = [field for field in self if field.name.startswith("lot_") and field.data is not None]
        return {int(field.name.removeprefix("lot_")): field.data for field in fields}


MOVED_BY_HAND = (DevicePlace.SHELF, DevicePlace.GONE)


def device_name(one: PlacedDevice) -> str:
    """A device as it is chosen: its numbers, and why it is out."""
    numbers = " · ".join(one.unit.numbers)
    if one.correction is None or one.correction.reason is None:
        return numbers
    return str(_("%(numbers)s (out: %(reason)s)", numbers=numbers, reason=ADJUST_NAMES[one.correction.reason]))


class AdjustForm(OnceForm):
    """What changes in a lot and why. Build with `for_lot`, which offers the devices that may leave or come back."""

    offered: dict[str, PlacedDevice]
    way = RadioField(
        _("What changes"), choices=[("fewer", _("There are fewer units")), ("more", _("There are more units"))],
        default="fewer", validators=[InputRequired(_("Choose one."))],
    )  # fmt: skip
    quantity = WholeNumberField(_("How many"), [InputRequired(_("Write how many.")), NumberRange(1, MOST_UNITS)])
    devices = MultiCheckboxField(_("Which devices"), validate_choice=False)  # the service says what does not fit
    reason = SelectField(_("Reason"), choices=[(one.value, name) for one, name in ADJUST_NAMES.items()])

    @classmethod
    def for_lot(cls, found: Iterable[PlacedDevice]) -> "AdjustForm":
        form = cls()
        form.offered = {str(one.unit.id): one for one in found if one.place in MOVED_BY_HAND}
        form.devices.choices = [(unit_id, device_name(one)) for unit_id, one in form.offered.items()]
        return form

    @property
    def device_ids(self) -> list[int]:
        """What was ticked; 0, which no device has, for one that is not offered now."""
        return [self.offered[one].unit.id if one in self.offered else 0 for one in self.devices.data or ()]

    @property
    def change(self) -> int:
        units = self.quantity.data or 0
        return units if self.way.data == "more" else -units

    @property
    def chosen(self) -> AdjustReason:
        return AdjustReason(self.reason.data)


class RecipeForm(FlaskForm):
    """A name and rows of article and quantity. Build with `with_rows`."""

    name = _words(_("Name"), 160)

    @classmethod
    def with_rows(cls, items: Sequence[Item], recipe: KitRecipe | None = None) -> "RecipeForm":
        lines = list(recipe.lines) if recipe is not None else []
        choices = [NOBODY, *((str(item.id), item.name) for item in items)]
        known = {str(item.id) for item in items}
        choices += [(str(line.item_id), line.item.name) for line in lines if str(line.item_id) not in known]
        fields: dict[str, Any] = {}
        for row in range(1, len(lines) + RECIPE_ROWS + 1):
            line = lines[row - 1] if row <= len(lines) else None
            fields[f"item_{row}"] = SelectField(
                _("Article"), choices=choices, default=str(line.item_id) if line else NOBODY[0]
            )
            fields[f"quantity_{row}"] = WholeNumberField(
                _("Quantity"), [Optional(), NumberRange(1, MOST_UNITS)], default=line.quantity if line else None
            )
        form: RecipeForm = type(cls.__name__, (cls,), fields)(obj=recipe)
        return form

    @property
    def rows(self) -> list[tuple[Field, Field]]:
        """The fields of each row, for the page."""
        numbers = range(1, sum(field.name.startswith("item_") for field in self) + 1)
        return [(self[f"item_{row}"], self[f"quantity_{row}"]) for row in numbers]

    @property
    def chosen(self) -> list[tuple[int, int]]:
        """Article's id and quantity of every row that names an article."""
        return [(int(item.data), quantity.data) for item, quantity in self.rows if item.data != NOBODY[0]]

    def validate(self, extra_validators: Any = None) -> bool:
        whole = bool(super().validate(extra_validators))
        for item, quantity in self.rows:
            if item.data != NOBODY[0] and quantity.data is None and not quantity.errors:
                quantity.errors = [_("Write how many.")]
                whole = False
        return whole
