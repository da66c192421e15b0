"""The shape of what a liaison types about a step of a linkage."""

from collections.abc import Sequence
from typing import Any

from flask_babel import lazy_gettext as _
from flask_wtf import FlaskForm
from wtforms import RadioField, SelectField, StringField
from wtforms.validators import InputRequired, Optional, Regexp

from grants.core.web import Written
from grants.credit import movement_words, words
from grants.credit.amounts import parse_months, parse_rate, parse_usd, parse_whole
from grants.credit.forms.fields import CHOOSE, NEEDED, DayField, ParsedField, choices, tidy
from grants.credit.models import (
    Amortization,
    CloseReason,
    DeclineReason,
    Frequency,
    LinkageState,
    Product,
    RateKind,
    Segment,
)
from grants.credit.services import Step

REFERENCE = r"[A-Za-z0-9][A-Za-z0-9 ./_-]{0,59}"
ONLY_THESE = _("Use letters, digits, spaces and . / - _ only.")
DECIMAL = {"inputmode": "decimal", "autocomplete": "off"}
WHOLE = {"inputmode": "numeric", "autocomplete": "off"}
BY_ITSELF = [("", "—")]


class OptionalParsed(ParsedField):
    """Left empty, its value is None."""

    def __init__(self, label: Any, parse: Any, **options: Any) -> None:
        super().__init__(label, parse, **options)
        self.validators, self.flags.required = [Optional()], False

    def post_validate(self, form: Any, validation_stopped: bool) -> None:
        if str(self.data or "").strip():
            super().post_validate(form, False)


class OptionalDay(DayField):
    """Left empty, its value is None."""

    def __init__(self, label: Any, **options: Any) -> None:
        super().__init__(label, **options)
        self.validators, self.flags.required = [Optional()], False

    def post_validate(self, form: Any, validation_stopped: bool) -> None:
        if str(self.data or "").strip():
            super().post_validate(form, False)


class OptionalChoice(SelectField):
    """A word of a list, or nothing."""

    def __init__(self, label: Any, names: dict[Any, Any], **options: Any) -> None:
        super().__init__(label, [Optional()], choices=[*BY_ITSELF, *choices(names)], **options)


class StepForm(FlaskForm):
    """A step without details: contacted, documents, withdrawn."""

    happened_on = DayField(_("When did it happen?"))

    def step(self, to_state: LinkageState) -> Step:
        return Step(to_state=to_state, happened_on=self.happened_on.value)


class AmountForm(StepForm):
    amount_usd = ParsedField(_("Amount in USD"), parse_usd, render_kw=DECIMAL)

    def step(self, to_state: LinkageState) -> Step:
        return Step(to_state=to_state, happened_on=self.happened_on.value, amount_usd=self.amount_usd.value)


class DisbursementForm(AmountForm):
    """What the institution's product does not say by itself, and what a phone can leave for later."""

    product_id = SelectField(_("Product"), [Optional()])
    term_months = ParsedField(_("Term in months"), parse_months, render_kw=WHOLE)
    rate_percent = OptionalParsed(_("Yearly rate in percent"), parse_rate, render_kw=DECIMAL)
    rate_kind = RadioField(_("Which rate is it?"), [Optional()], choices=choices(words.RATE_KIND_NAMES))
    reference = StringField(
        _("Operation number"),
        [Written(NEEDED), Regexp(f"^{REFERENCE}$", message=ONLY_THESE)],
        filters=[tidy],
        description=_("Your institution's own number for this credit."),
        render_kw={"autocomplete": "off", "maxlength": 60},
    )
    net_usd = OptionalParsed(
        _("Received in hand, in USD"),
        parse_usd,
        description=_("What was left after contributions, insurance and fees."),
        render_kw=DECIMAL,
    )
    method = OptionalChoice(_("Way of paying"), words.AMORTIZATION_NAMES)
    frequency = OptionalChoice(_("How often an instalment falls due"), words.FREQUENCY_NAMES)
    instalments = OptionalParsed(_("How many instalments"), parse_whole, render_kw=WHOLE)
    first_due_on = OptionalDay(_("First instalment due on"))
    segment = OptionalChoice(_("Segment"), words.SEGMENT_NAMES)

    products: Sequence[Product] = ()

    def offer(self, products: Sequence[Product], chosen_id: int | None = None) -> "DisbursementForm":
        """The institution's own credit products. The one chosen at the referral stands there, else the only one.

        Left empty, the one chosen at the referral counts: so where there is one, nothing empty is offered.
        """
        self.products = products
        names = [(str(one.id), one.name) for one in products]
        self.product_id.choices = names if chosen_id is not None else [*BY_ITSELF, *names]
        if not self.is_submitted():
            only = products[0].id if len(products) == 1 else None
            self.product_id.data = str(chosen_id or only or "")
        return self

    def step(self, to_state: LinkageState) -> Step:
        return Step(
            to_state=to_state,
            happened_on=self.happened_on.value,
            amount_usd=self.amount_usd.value,
            term_months=self.term_months.value,
            rate_percent=self.rate_percent.value,
            rate_kind=RateKind(self.rate_kind.data) if self.rate_kind.data else None,
            reference=self.reference.data,
            net_usd=self.net_usd.value,
            product=next((one for one in self.products if str(one.id) == self.product_id.data), None),
            segment=Segment(self.segment.data) if self.segment.data else None,
            method=Amortization(self.method.data) if self.method.data else None,
            frequency=Frequency(self.frequency.data) if self.frequency.data else None,
            instalments=self.instalments.value,
            first_due_on=self.first_due_on.value,
        )


class DeclineStepForm(StepForm):
    decline_reason = RadioField(_("Reason"), [InputRequired(CHOOSE)], choices=choices(words.REASON_NAMES))

    def step(self, to_state: LinkageState) -> Step:
        return Step(
            to_state=to_state,
            happened_on=self.happened_on.value,
            decline_reason=DeclineReason(self.decline_reason.data),
        )


class CloseForm(StepForm):
    close_reason = RadioField(_("Reason"), [InputRequired(CHOOSE)], choices=choices(movement_words.CLOSE_REASON_NAMES))

    def step(self, to_state: LinkageState) -> Step:
        return Step(
            to_state=to_state, happened_on=self.happened_on.value, close_reason=CloseReason(self.close_reason.data)
        )


STEP_FORMS: dict[LinkageState, type[StepForm]] = {
    LinkageState.APPLIED: AmountForm,
    LinkageState.APPROVED: AmountForm,
    LinkageState.DISBURSED: DisbursementForm,
    LinkageState.DECLINED: DeclineStepForm,
    LinkageState.CLOSED: CloseForm,
}
