"""Support to savings banks and their own figures, as people type them."""

import re
from decimal import Decimal
from typing import Any

from flask_babel import lazy_gettext as _
from flask_wtf import FlaskForm
from flask_wtf.file import FileField, FileRequired

from grants.core.web import Written
from grants.credit.amounts import Doubt, Unreadable, parse_usd
from grants.credit.forms.fields import NEEDED, DayField, ParsedField
from grants.credit.forms.offers import DECIMAL, WHOLE, OptionalParsed, line
from grants.credit.models import SupportKind
from grants.credit.services.savings_banks import Figures
from grants.credit.services.support import SupportFacts

MOST_COUNTED = 1_000_000
NOTHING = re.compile(r"0+([.,]0{1,2})?")


def parse_count(text: str) -> int:
    """A whole number from 0 to a million."""
    written = text.strip()
    fits = written.isascii() and written.isdigit() and len(written) <= 7 and int(written) <= MOST_COUNTED
    if not fits:
        raise Unreadable(Doubt.NOT_WHOLE)
    return int(written)


def parse_balance(text: str) -> Decimal:
    """An amount in dollars that may be zero.

    >>> parse_balance("0,00"), parse_balance("850")
    (Decimal('0.00'), Decimal('850.00'))
    """
    written = text.strip().removeprefix("USD").removeprefix("$").strip()
    return Decimal("0.00") if NOTHING.fullmatch(written) and len(written) < 10 else parse_usd(text)


class GoodsForm(FlaskForm):
    """Office equipment: told by the folio of its delivery."""

    delivery_folio = line(
        _("Folio of the delivery"),
        20,
        Written(NEEDED),
        description=_(
            "Of the delivery that handed the goods over to a member who received them for the savings bank. "
            "Value and day are taken from it. Semilla cannot tell them from a kit for the member's own "
            "venture: be sure that they stayed with the savings bank."
        ),
    )
    purpose = line(_("Purpose"), 300, Written(NEEDED))
    file = FileField(_("Receipt or photo"), description=_("A photo or PDF, if there is one besides the delivery's."))

    kind = SupportKind.OFFICE_EQUIPMENT

    def facts(self) -> SupportFacts:
        return SupportFacts(self.kind, self.purpose.data or "", delivery_folio=self.delivery_folio.data)


class CapitalForm(FlaskForm):
    given_on = DayField(_("Given on"))
    amount_usd = ParsedField(_("Amount in USD"), parse_usd, render_kw=DECIMAL)
    purpose = line(_("Purpose"), 300, Written(NEEDED))
    file = FileField(_("Receipt or photo"), [FileRequired(_("Choose a file: support is recorded with its evidence."))],
                     description=_("A photo or PDF of what was signed."))  # fmt: skip

    kind = SupportKind.WORKING_CAPITAL

    def facts(self) -> SupportFacts:
        return SupportFacts(
            self.kind, self.purpose.data or "", amount_usd=self.amount_usd.value, given_on=self.given_on.value
        )


class AccountsForm(CapitalForm):
    accounts = ParsedField(_("How many accounts were opened"), parse_count, render_kw=WHOLE)

    kind = SupportKind.ACCOUNT_OPENING

    def facts(self) -> SupportFacts:
        return SupportFacts(
            self.kind,
            self.purpose.data or "",
            amount_usd=self.amount_usd.value,
            given_on=self.given_on.value,
            accounts=self.accounts.value,
        )


SUPPORT_FORMS: dict[str, type[Any]] = {
    form.kind.value.replace("_", "-"): form for form in (GoodsForm, CapitalForm, AccountsForm)
}


class EvidenceForm(FlaskForm):
    file = FileField(_("Receipt or photo"), [FileRequired(_("Choose a file."))])


class CancelSupportForm(FlaskForm):
    reason = line(_("Why"), 300, Written(NEEDED), description=_("In a few words. Name no person."))


class FiguresForm(FlaskForm):
    """A savings bank at the end of a day."""

    as_of = DayField(_("Figures at the end of"))
    members = ParsedField(_("Members"), parse_count, render_kw=WHOLE)
    women = ParsedField(_("Women among them"), parse_count, render_kw=WHOLE)
    in_mobility = OptionalParsed(_("People in human mobility among them"), parse_count, render_kw=WHOLE)
    savings_usd = ParsedField(_("Savings of the members in USD"), parse_balance, render_kw=DECIMAL)
    loans = ParsedField(_("Loans that are being repaid"), parse_count, render_kw=WHOLE)
    loans_usd = ParsedField(_("Principal owed in USD"), parse_balance, render_kw=DECIMAL)

    def figures(self) -> Figures:
        return Figures(
            as_of=self.as_of.value,
            members=self.members.value,
            women=self.women.value,
            in_mobility=self.in_mobility.value,
            savings_usd=self.savings_usd.value,
            loans=self.loans.value,
            loans_usd=self.loans_usd.value,
        )
