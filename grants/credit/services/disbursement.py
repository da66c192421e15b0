"""The terms on which a credit is disbursed: what the liaison says, else what its product says, else what is usual.

Its product is the one that the liaison names, else the one chosen at the referral. Its segment is never the liaison's
to choose where the product has one: the ceiling hangs on it.
"""

from datetime import date
from decimal import Decimal
from typing import Any, Protocol

from flask_babel import lazy_gettext as _
from sqlalchemy import select

from grants.core.db import db
from grants.core.errors import RuleBroken
from grants.credit import words
from grants.credit.models import (
    Amortization,
    Frequency,
    Linkage,
    LinkageKind,
    Product,
    ProductTerms,
    RateKind,
    Segment,
)
from grants.credit.queries.matching import memberships_of
from grants.credit.schedules import one_period_later, periods_in
from grants.credit.services.movement_rules import check_approved, check_first_due, check_net


class Disbursed(Protocol):
    """What a step says about a disbursement; Step is one."""

    @property
    def happened_on(self) -> date: ...
    @property
    def amount_usd(self) -> Decimal | None: ...
    @property
    def net_usd(self) -> Decimal | None: ...
    @property
    def term_months(self) -> int | None: ...
    @property
    def rate_percent(self) -> Decimal | None: ...
    @property
    def rate_kind(self) -> RateKind | None: ...
    @property
    def reference(self) -> str | None: ...
    @property
    def product(self) -> Product | None: ...
    @property
    def product_name(self) -> str | None: ...
    @property
    def segment(self) -> Segment | None: ...
    @property
    def method(self) -> Amortization | None: ...
    @property
    def frequency(self) -> Frequency | None: ...
    @property
    def instalments(self) -> int | None: ...
    @property
    def first_due_on(self) -> date | None: ...


def terms_disbursed(linkage: Linkage, step: Disbursed) -> dict[str, Any]:
    """The columns of the linkage that a disbursement fills."""
    amount, day = positive(step.amount_usd), step.happened_on
    check_approved(linkage.approved_usd, amount)
    check_net(step.net_usd, amount)
    _refuse_non_member(linkage)
    product = _product(linkage, step)
    offer = _offer(linkage, product, day)
    frequency = step.frequency or (offer and offer.frequency) or linkage.frequency or Frequency.MONTHLY
    months: int = needed(step.term_months, "term_months")
    first_due_on = step.first_due_on or one_period_later(day, frequency)
    check_first_due(first_due_on, begun=day)
    return {
        "amount_usd": amount,
        "disbursed_on": day,
        "term_months": months,
        **_rate(step, offer),
        "reference": needed(step.reference, "reference"),
        "product_id": product.id if product else None,
        "segment": _segment(step, offer) or linkage.segment,
        "method": step.method or (offer and offer.method) or Amortization.FRENCH,
        "frequency": frequency,
        "instalments": _count(step.instalments or periods_in(months, frequency)),
        "first_due_on": first_due_on,
    }


def positive(amount: Decimal | None) -> Decimal:
    """The amount, which must be there and above zero."""
    found: Decimal = needed(amount, "amount_usd")
    if found <= 0:
        raise RuleBroken(_("Write an amount above zero."), field="amount_usd")
    return found


def needed(value: Any, field: str) -> Any:
    """The value, which must be there."""
    if value is None or value == "":
        raise RuleBroken(_("This step needs this detail. Fill it in."), field=field)
    return value


def _refuse_non_member(linkage: Linkage) -> None:
    """Where the statute lets only members borrow, the membership is logged first; joining is no credit."""
    if linkage.institution.members_only and linkage.institution_id not in memberships_of(linkage.person_id):
        raise RuleBroken(_("Your institution lends to its members only, and no open membership of this person is "
                           "logged. On the referral's page add a membership and log that it was opened; then log the "
                           "credit."))  # fmt: skip


def _product(linkage: Linkage, step: Disbursed) -> Product | None:
    """The product of the credit: the one that the step names, else the one chosen at the referral."""
    if step.product is None and step.product_name:
        return _named(linkage, step.product_name)
    return step.product or linkage.product


def _named(linkage: Linkage, name: str) -> Product:
    own = Product.institution_id == linkage.institution_id, Product.kind == LinkageKind.CREDIT
    found = db.session.scalars(select(Product).where(*own, Product.name == name)).one_or_none()
    if found is None:
        raise RuleBroken(_("Choose one of your institution's own credit products."), field="product")
    return found


def _offer(linkage: Linkage, product: Product | None, day: date) -> ProductTerms | None:
    """What the product asked for and gave on the day."""
    if product is None:
        return None
    if product.institution_id != linkage.institution_id or product.kind is not LinkageKind.CREDIT:
        raise RuleBroken(_("Choose one of your institution's own credit products."), field="product_id")
    terms = product.terms_on(day)
    if terms is None:
        raise RuleBroken(_("This product was not offered on that day. Check the day, or choose another product."),
                         field="product_id")  # fmt: skip
    return terms


def _segment(step: Disbursed, offer: ProductTerms | None) -> Segment | None:
    """The product's, which a step may repeat and not contradict."""
    if offer is None or offer.segment is None:
        return step.segment
    if step.segment not in (None, offer.segment):
        raise RuleBroken(_("This product's segment is %(segment)s. Leave the segment empty, or choose the product that "
                           "was disbursed.", segment=words.SEGMENT_NAMES[offer.segment]), field="segment")  # fmt: skip
    return offer.segment


def _rate(step: Disbursed, offer: ProductTerms | None) -> dict[str, Any]:
    """A rate that is typed needs its kind; without one, the product's rate with its kind."""
    if step.rate_percent is None and offer is not None and offer.rate_percent is not None:
        return {"rate_percent": offer.rate_percent, "rate_kind": offer.rate_kind}
    return {
        "rate_percent": needed(step.rate_percent, "rate_percent"),
        "rate_kind": needed(step.rate_kind, "rate_kind"),
    }


def _count(instalments: int) -> int:
    if not 1 <= instalments <= 600:
        raise RuleBroken(_("Write how many instalments there are, 600 at most."), field="instalments")
    return instalments
