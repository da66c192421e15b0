"""The shape of an application: the plan with its items, files, submission and withdrawal."""

from decimal import Decimal
from typing import Any

from flask_babel import lazy_gettext as _
from flask_wtf import FlaskForm
from flask_wtf.file import FileField, FileRequired
from wtforms import BooleanField, FieldList, Form, FormField, RadioField, SelectField
from wtforms.validators import NumberRange, Optional
from wtforms.widgets import HiddenInput

from grants.applications.models import SECTORS, BusinessPlan
from grants.applications.services import ItemFields, PlanFields
from grants.calls.forms import BIGGEST_USD, UsdField, WholeNumberField, line, needed, text

BLANK_ROWS = 3
MOST_ITEMS = 40


class Asked:
    """Marks what must be there at submission: a draft may lack it."""

    field_flags = {"required": True}

    def __call__(self, form: Any, field: Any) -> None:
        """Nothing to check in a draft."""


class RevisionField(WholeNumberField):
    """Which text the page was opened on."""

    widget = HiddenInput()


class ItemForm(Form):
    name = line(_("What"), 160)
    quantity = WholeNumberField(_("How many"), [Optional(), NumberRange(1, 99999, _("Write at least 1."))])
    unit_price_usd = UsdField(
        _("Price of one (USD)"),
        [Optional(), NumberRange(Decimal("0.01"), BIGGEST_USD, _("Write an amount above 0."))],
    )

    @property
    def is_blank(self) -> bool:
        typed = [raw.strip() for field in self for raw in field.raw_data or [] if isinstance(raw, str)]
        return not any(typed)

    @property
    def fields(self) -> ItemFields:
        return ItemFields(self.name.data or "", self.quantity.data, self.unit_price_usd.data)

    def find_gaps(self) -> bool:
        """Put a sentence beside what a begun row still lacks; whether there is any."""
        gaps = [field for field in self if field.data in (None, "") and not field.errors]
        for field in gaps:
            field.errors = [_("Fill this in, or empty the whole row.")]
        return bool(gaps)


class PlanForm(FlaskForm):
    revision = RevisionField()
    venture = line(_("Name of the venture"), 160, Asked())
    sector = SelectField(_("Sector"), choices=[("", _("Choose")), *((code, name) for code, name in SECTORS.items())],
                         validators=[Asked()], default="")  # fmt: skip
    is_existing = RadioField(
        _("Does it exist already?"),
        choices=[("no", _("Start-up: it is about to begin")), ("yes", _("Existing: it sells already"))],
        validators=[Asked(), Optional(strip_whitespace=False)],
    )
    description = text(_("What it does"), 4000, Asked())
    customers = text(_("Who buys"), 2000, Asked())
    monthly_sales_usd = UsdField(_("Monthly sales now (USD)"), [Asked(), Optional()],
                                 description=_("Write 0 if it does not sell yet."))  # fmt: skip
    jobs = WholeNumberField(_("People who work there"), [Asked(), Optional()])
    items = FieldList(FormField(ItemForm), max_entries=2 * MOST_ITEMS)

    @classmethod
    def of(cls, plan: BusinessPlan) -> "PlanForm":
        """A form that shows a plan as stored, with blank rows for more items."""
        form = cls(obj=plan)
        form.is_existing.data = {True: "yes", False: "no"}.get(plan.is_existing)  # type: ignore[arg-type]
        form.add_rows()
        return form

    def add_rows(self) -> None:
        """Blank rows at the end, as far as a list may grow."""
        for _number in range(min(BLANK_ROWS, MOST_ITEMS - len(self.items.entries))):
            self.items.append_entry()

    def validate(self, extra_validators: Any = None) -> bool:
        # Rows that nobody wrote in are there for room only.
        written = [entry for entry in self.items.entries if not entry.form.is_blank]
        self.items.entries = written
        right = bool(super().validate(extra_validators))
        gaps = [entry.form.find_gaps() for entry in written]
        if any(gaps):
            self.form_errors.append(_("Some items are unfinished. What you wrote is still here; see the marked rows."))
        if len(written) > MOST_ITEMS:
            self.form_errors.append(_("List at most %(most)d items.", most=MOST_ITEMS))
        return right and not any(gaps) and len(written) <= MOST_ITEMS

    @property
    def fields(self) -> PlanFields:
        return PlanFields(
            venture=self.venture.data or "",
            sector=self.sector.data or None,
            is_existing={"yes": True, "no": False}.get(self.is_existing.data or ""),
            description=self.description.data or "",
            customers=self.customers.data or "",
            monthly_sales_usd=self.monthly_sales_usd.data,
            jobs=self.jobs.data,
            items=tuple(entry.form.fields for entry in self.items.entries),
        )

    @property
    def total_usd(self) -> Decimal:
        """What the rows that can be counted cost."""
        rows = [entry.form for entry in self.items.entries]
        return sum(
            (
                row.quantity.data * row.unit_price_usd.data
                for row in rows
                if row.quantity.data and row.unit_price_usd.data
            ),
            Decimal("0.00"),
        )

    @property
    def problems(self) -> dict[str, str]:
        """Sentences by the name of the input they belong to, for the autosave's answer."""
        own = [field for field in self if field.name != "items"]
        rows = [field for entry in self.items.entries for field in entry.form]
        return {field.name: str(field.errors[0]) for field in [*own, *rows] if field.errors}


class StartForm(FlaskForm):
    call_id = RadioField(_("Call"), coerce=int)


class SubmitForm(FlaskForm):
    consents = BooleanField(_("I read the text out, the person understood it and agrees."))


class WithdrawForm(FlaskForm):
    reason = line(_("Why the person withdraws"), 300, needed)


class FileForm(FlaskForm):
    file = FileField(_("Photo or PDF"), [FileRequired(_("Choose a file."))])
