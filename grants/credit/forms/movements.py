"""The shape of what a liaison types about a movement of a credit."""

from collections.abc import Sequence
from typing import Any

from flask_babel import lazy_gettext as _
from flask_wtf import FlaskForm
from wtforms import RadioField, SelectField, StringField, TextAreaField
from wtforms.validators import InputRequired, Length, Optional, Regexp

from grants.core.web import Written
from grants.credit import movement_words, words
from grants.credit.amounts import parse_count, parse_rate, parse_usd, parse_usd_or_zero, parse_whole
from grants.credit.forms.fields import (
    CHOOSE,
    NEEDED,
    TOO_LONG,
    DayField,
    ParsedField,
    choices,
    no_control_characters,
    tidy,
)
from grants.credit.forms.steps import DECIMAL, ONLY_THESE, REFERENCE, WHOLE, OptionalParsed
from grants.credit.models import (
    Amortization,
    Frequency,
    Linkage,
    LostReason,
    MovementKind,
    RateKind,
    Source,
)
from grants.credit.schedules import Terms
from grants.credit.services import Movement

# Where a liaison's own knowledge comes from; the others are written by an import and by the API.
SOURCES = (Source.LENDER, Source.CALL, Source.VISIT, Source.BOOKLET)


class MovementForm(FlaskForm):
    """What every movement says: when, and how it is known."""

    happened_on = DayField(_("When did it happen?"))
    source = RadioField(
        _("How do you know?"),
        [InputRequired(CHOOSE)],
        choices=choices(movement_words.SOURCE_NAMES, SOURCES),
        default=Source.LENDER.value,
    )

    def movement(self, kind: MovementKind) -> Movement:
        return Movement(kind, self.happened_on.value, source=Source(self.source.data), **self.details())

    def details(self) -> dict[str, Any]:
        return {}


class PaidForm(MovementForm):
    """A movement of money with a number of its own."""

    amount_usd = ParsedField(_("Amount in USD"), parse_usd, render_kw=DECIMAL)
    reference = StringField(
        _("Receipt number"),
        [Optional(), Regexp(f"^{REFERENCE}$", message=ONLY_THESE)],
        filters=[tidy],
        description=_("With a number, nothing is logged twice."),
        render_kw={"autocomplete": "off", "maxlength": 60},
    )

    def details(self) -> dict[str, Any]:
        return {"amount_usd": self.amount_usd.value, "reference": self.reference.data or None}


class PartForm(PaidForm):
    net_usd = OptionalParsed(
        _("Received in hand, in USD"),
        parse_usd,
        description=_("What was left after contributions, insurance and fees."),
        render_kw=DECIMAL,
    )

    def details(self) -> dict[str, Any]:
        return {**super().details(), "net_usd": self.net_usd.value}


class RepaymentForm(PaidForm):
    principal_usd = OptionalParsed(_("Of it principal"), parse_usd_or_zero, render_kw=DECIMAL)
    interest_usd = OptionalParsed(_("Of it interest"), parse_usd_or_zero, render_kw=DECIMAL)
    other_usd = OptionalParsed(_("Of it other charges"), parse_usd_or_zero, render_kw=DECIMAL)

    def details(self) -> dict[str, Any]:
        return {
            **super().details(),
            "principal_usd": self.principal_usd.value,
            "interest_usd": self.interest_usd.value,
            "other_usd": self.other_usd.value,
        }


class BalanceForm(MovementForm):
    balance_usd = ParsedField(
        _("Principal owed, in USD"),
        parse_usd_or_zero,
        description=_("At the end of that day, without interest and penalties. 0 when it is paid off."),
        render_kw=DECIMAL,
    )
    days_late = OptionalParsed(
        _("Days late"),
        parse_count,
        description=_("As your institution counts them; 0 when it is up to date."),
        render_kw=WHOLE,
    )
    overdue_usd = OptionalParsed(_("Overdue, in USD"), parse_usd_or_zero, render_kw=DECIMAL)

    def details(self) -> dict[str, Any]:
        return {
            "balance_usd": self.balance_usd.value,
            "days_late": self.days_late.value,
            "overdue_usd": self.overdue_usd.value,
        }


class RestructureForm(MovementForm):
    balance_usd = ParsedField(_("Principal under the new terms, in USD"), parse_usd, render_kw=DECIMAL)
    rate_percent = ParsedField(_("Yearly rate in percent"), parse_rate, render_kw=DECIMAL)
    rate_kind = RadioField(_("Which rate is it?"), [InputRequired(CHOOSE)], choices=choices(words.RATE_KIND_NAMES))
    method = SelectField(_("Way of paying"), [InputRequired(CHOOSE)], choices=choices(words.AMORTIZATION_NAMES))
    frequency = SelectField(
        _("How often an instalment falls due"), [InputRequired(CHOOSE)], choices=choices(words.FREQUENCY_NAMES)
    )
    instalments = ParsedField(_("How many instalments"), parse_whole, render_kw=WHOLE)
    first_due_on = DayField(_("First instalment due on"))

    def details(self) -> dict[str, Any]:
        terms = Terms(
            rate_percent=self.rate_percent.value,
            rate_kind=RateKind(self.rate_kind.data),
            method=Amortization(self.method.data),
            frequency=Frequency(self.frequency.data),
            instalments=self.instalments.value,
            first_due_on=self.first_due_on.value,
        )
        return {"balance_usd": self.balance_usd.value, "terms": terms}


MOVEMENT_FORMS: dict[MovementKind, type[MovementForm]] = {
    MovementKind.DISBURSEMENT: PartForm,
    MovementKind.REPAYMENT: RepaymentForm,
    MovementKind.BALANCE: BalanceForm,
    MovementKind.RESTRUCTURE: RestructureForm,
    MovementKind.WRITE_OFF: PaidForm,
    MovementKind.RECOVERY: PaidForm,
}


class ReversalForm(FlaskForm):
    reason = TextAreaField(
        _("What is wrong with it?"),
        [Written(NEEDED), Length(max=300, message=TOO_LONG), no_control_characters],
        filters=[tidy],
        description=_("In a few words, and nothing about the person."),
        render_kw={"rows": 3, "maxlength": 300},
    )


class RefinanceForm(FlaskForm):
    earlier_id = RadioField(_("Which credit did it pay off?"), [InputRequired(CHOOSE)])

    earlier: Sequence[Linkage] = ()

    def offer(self, earlier: Sequence[Linkage], names: Sequence[str]) -> "RefinanceForm":
        self.earlier = earlier
        self.earlier_id.choices = [(str(one.id), name) for one, name in zip(earlier, names, strict=True)]
        return self

    @property
    def chosen(self) -> Linkage:
        return next(one for one in self.earlier if str(one.id) == self.earlier_id.data)


class LostForm(FlaskForm):
    reason = RadioField(_("Reason"), [InputRequired(CHOOSE)], choices=choices(movement_words.LOST_REASON_NAMES))

    @property
    def chosen(self) -> LostReason:
        return LostReason(self.reason.data)
