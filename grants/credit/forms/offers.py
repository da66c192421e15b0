"""Agreements, cantons, products and their terms, as people type them."""

from decimal import Decimal
from typing import Any

from flask_babel import format_decimal
from flask_babel import lazy_gettext as _
from flask_wtf import FlaskForm
from wtforms import BooleanField, RadioField, SelectField, StringField, TextAreaField
from wtforms.validators import InputRequired, Length, Optional

from grants.core.web import Written
from grants.credit import words
from grants.credit.amounts import Doubt, Unreadable, parse_months, parse_rate, parse_usd
from grants.credit.forms.fields import (
    CHOOSE,
    NEEDED,
    TOO_LONG,
    DayField,
    MultiCheckboxField,
    ParsedField,
    choices,
    no_control_characters,
    tidy,
)
from grants.credit.models import (
    AgreementEnd,
    AgreementKind,
    Amortization,
    Frequency,
    LinkageKind,
    Product,
    RateKind,
    Segment,
)
from grants.credit.services.agreements import AgreementFacts
from grants.credit.services.products import TermsFacts
from grants.people.models import Canton, DocumentKind
from grants.people.words import DOCUMENT_NAMES

OLDEST = 120
DECIMAL = {"inputmode": "decimal"}
WHOLE = {"inputmode": "numeric"}


def parse_age(text: str) -> int:
    """Completed years, 1 to 120."""
    written = text.strip()
    if not (written.isascii() and written.isdigit() and len(written) < 4 and 0 < int(written) <= OLDEST):
        raise Unreadable(Doubt.NOT_WHOLE)
    return int(written)


class OptionalParsed(ParsedField):
    """As ParsedField, and empty means that nothing is said."""

    def __init__(self, label: Any, parse: Any, **options: Any) -> None:
        super().__init__(label, parse, **options)
        self.validators = [Optional()]
        self.flags.required = False

    def post_validate(self, form: Any, validation_stopped: bool) -> None:
        if str(self.data or "").strip():
            super().post_validate(form, False)


class OptionalDay(DayField):
    """A day or nothing."""

    def __init__(self, label: Any, **options: Any) -> None:
        super().__init__(label, **options)
        self.validators = [Optional()]
        self.flags.required = False

    def post_validate(self, form: Any, validation_stopped: bool) -> None:
        if str(self.data or "").strip():
            super().post_validate(form, False)


def line(label: Any, most: int, *validators: Any, **options: Any) -> StringField:
    """One line of text without control characters."""
    rules = [*(validators or (Optional(),)), Length(max=most, message=TOO_LONG), no_control_characters]
    return StringField(label, rules, filters=[tidy], **options)


def passage(label: Any, most: int, **options: Any) -> TextAreaField:
    """Some sentences; line breaks become spaces."""
    rules = [Optional(), Length(max=most, message=TOO_LONG), no_control_characters]
    return TextAreaField(label, rules, filters=[tidy], **options)


class AgreementForm(FlaskForm):
    kind = RadioField(_("Kind"), [InputRequired(CHOOSE)], choices=choices(words.AGREEMENT_KIND_NAMES))
    signed_on = DayField(_("Signed on"))
    valid_from = DayField(_("Holds from"))
    valid_until = OptionalDay(_("Holds until"), description=_("The last day. Leave it empty if no end was agreed."))
    flexible_terms = passage(
        _("How entry is made easier"),
        2000,
        description=_("In the agreement's words, for example: no minimum deposit for members of the programme."),
    )
    focal_name = line(_("Focal point"), 160, description=_("Who answers for the agreement at the institution."))
    focal_contact = line(_("Contact of the focal point"), 160)

    def facts(self) -> AgreementFacts:
        return AgreementFacts(
            kind=AgreementKind(self.kind.data),
            signed_on=self.signed_on.value,
            valid_from=self.valid_from.value,
            valid_until=self.valid_until.value,
            flexible_terms=self.flexible_terms.data or "",
            focal_name=self.focal_name.data or None,
            focal_contact=self.focal_contact.data or None,
        )


class EndAgreementForm(FlaskForm):
    end_reason = RadioField(_("Reason"), [InputRequired(CHOOSE)], choices=choices(words.AGREEMENT_END_NAMES))

    def reason(self) -> AgreementEnd:
        return AgreementEnd(self.end_reason.data)


class LocationForm(FlaskForm):
    canton_code = SelectField(_("Canton"), [InputRequired(CHOOSE)])

    def offer(self, cantons: list[Canton]) -> "LocationForm":
        named = [(canton.code, f"{canton.name} ({canton.province.name})") for canton in cantons]
        self.canton_code.choices = [("", "—"), *named]
        return self


class ProductForm(FlaskForm):
    kind = RadioField(_("Kind"), [InputRequired(CHOOSE)], choices=choices(words.KIND_NAMES))
    name = line(_("Name"), 120, Written(NEEDED))


class TermsForm(FlaskForm):
    """What every product may ask for; of a membership this is all."""

    valid_from = DayField(_("In force from"))
    documents = MultiCheckboxField(
        _("Documents accepted"),
        [InputRequired(_("Choose at least one; \"No document\" if none is needed."))],
        choices=choices(DOCUMENT_NAMES),
        description=_("Any one of these is enough. \"No document\": none is needed."),
    )  # fmt: skip
    expired_accepted = BooleanField(_("Documents whose day has passed are accepted too"))
    least_age = OptionalParsed(_("Youngest age"), parse_age, render_kw=WHOLE)
    most_age = OptionalParsed(_("Oldest age"), parse_age, render_kw=WHOLE)
    fees = line(_("Fees"), 300, description=_("For example: opening USD 5, contribution of 2.5 percent of the credit."))
    note = passage(_("Note"), 1000)

    def facts(self) -> TermsFacts:
        return TermsFacts(**self.values())

    def values(self) -> dict[str, Any]:
        """By name of TermsFacts."""
        return {
            "valid_from": self.valid_from.value,
            "documents": [DocumentKind(kind) for kind in self.documents.data or []],
            "expired_accepted": bool(self.expired_accepted.data),
            "least_age": self.least_age.value,
            "most_age": self.most_age.value,
            "fees": self.fees.data or "",
            "note": self.note.data or "",
        }


class SavingsTermsForm(TermsForm):
    """Of a savings account besides: what opens it, and what it yields."""

    least_usd = OptionalParsed(_("Least amount to open it, in USD"), parse_usd, render_kw=DECIMAL)
    rate_percent = OptionalParsed(_("Yearly rate in percent"), parse_rate, render_kw=DECIMAL)
    rate_kind = RadioField(
        _("Which rate is it?"), [Optional()], choices=choices(words.RATE_KIND_NAMES), validate_choice=False
    )
    needs_membership = BooleanField(_("Only members can have it"))

    def values(self) -> dict[str, Any]:
        return {
            **super().values(),
            "least_usd": self.least_usd.value,
            "rate_percent": self.rate_percent.value,
            "rate_kind": RateKind(self.rate_kind.data) if self.rate_kind.data in list(RateKind) else None,
            "needs_membership": bool(self.needs_membership.data),
        }


class CreditTermsForm(TermsForm):
    """Of a credit besides: amounts, months, and the rate with all that makes it comparable."""

    least_usd = OptionalParsed(_("Least amount in USD"), parse_usd, render_kw=DECIMAL)
    most_usd = OptionalParsed(_("Most amount in USD"), parse_usd, render_kw=DECIMAL)
    least_months = OptionalParsed(_("Least months"), parse_months, render_kw=WHOLE)
    most_months = OptionalParsed(_("Most months"), parse_months, render_kw=WHOLE)
    rate_percent = ParsedField(_("Yearly rate in percent"), parse_rate, render_kw=DECIMAL)
    rate_kind = RadioField(_("Which rate is it?"), [InputRequired(CHOOSE)], choices=choices(words.RATE_KIND_NAMES))
    method = RadioField(_("How it is repaid"), [InputRequired(CHOOSE)], choices=choices(words.AMORTIZATION_NAMES))
    frequency = RadioField(_("Instalments"), [InputRequired(CHOOSE)], choices=choices(words.FREQUENCY_NAMES))
    segment = RadioField(_("Segment of microcredit"), [InputRequired(CHOOSE)], choices=choices(words.SEGMENT_NAMES))
    collateral = line(_("Guarantee"), 300, description=_("For example: none up to USD 400, one guarantor above."))
    needs_membership = BooleanField(_("Only members can have it"))

    def values(self) -> dict[str, Any]:
        return {
            **super().values(),
            "least_usd": self.least_usd.value,
            "most_usd": self.most_usd.value,
            "least_months": self.least_months.value,
            "most_months": self.most_months.value,
            "rate_percent": self.rate_percent.value,
            "rate_kind": RateKind(self.rate_kind.data),
            "method": Amortization(self.method.data),
            "frequency": Frequency(self.frequency.data),
            "segment": Segment(self.segment.data),
            "collateral": self.collateral.data or "",
            "needs_membership": bool(self.needs_membership.data),
        }


TERMS_FORMS: dict[LinkageKind, type[TermsForm]] = {
    LinkageKind.CREDIT: CreditTermsForm,
    LinkageKind.SAVINGS_ACCOUNT: SavingsTermsForm,
    LinkageKind.MEMBERSHIP: TermsForm,
}


def terms_form(product: Product) -> TermsForm:
    """The form of the product's kind; a new one is filled from the last terms: what changes is less than what stays."""
    form = TERMS_FORMS[product.kind]()
    if form.is_submitted() or not product.terms:
        return form
    return TERMS_FORMS[product.kind](obj=_Shown(product.terms[-1]))


class _Shown:
    """Terms as the fields show them."""

    def __init__(self, terms: Any) -> None:
        self.documents = [one.kind.value for one in terms.documents]
        for name in ("expired_accepted", "least_age", "most_age", "fees", "note", "least_months", "most_months",
                     "rate_kind", "method", "frequency", "segment", "collateral", "needs_membership"):  # fmt: skip
            setattr(self, name, getattr(terms, name))
        self.least_usd, self.most_usd = plain(terms.least_usd), plain(terms.most_usd)
        self.rate_percent = plain(terms.rate_percent)


def plain(value: Decimal | None) -> str | None:
    """A number as the reader would type it: 12 for 12.0000, 21,50 in Spanish for 21.5000."""
    if value is None:
        return None
    return str(format_decimal(value, "0" if value == value.to_integral_value() else "0.00##"))
